import { anonymousClient, jwtClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";

/** On the page's own origin, so it needs no address. */
export const authClient = createAuthClient({
  plugins: [jwtClient(), anonymousClient()],
  // Milliseconds; without it a server that hangs is waited for as long as the browser does.
  fetchOptions: { timeout: 17_000 },
});
