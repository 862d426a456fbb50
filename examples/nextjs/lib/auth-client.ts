import { jwtClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";

/** On the page's own origin, so it needs no address. */
export const authClient = createAuthClient({ plugins: [jwtClient()] });
