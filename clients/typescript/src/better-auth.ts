import { subjectOf, type TokenSource } from "./tokens.js";

/** What is needed of Better Auth's client, of any framework, with the plugin `jwtClient()`. */
export interface BetterAuthClient {
  token(): Promise<{ data: { token: string } | null; error: { status: number } | null }>;
  $store?: { notify(signal: "$sessionSignal"): void };
}

/**
 * Gives the token of who is signed in now. It keeps none: the account changes in this page (a guest signs
 * up, `setActive`, an admin impersonates), in another tab and on the server, and none of these tells all
 * pages. Only Better Auth knows, by its cookie.
 */
export function betterAuthToken(authClient: BetterAuthClient): TokenSource {
  let last: string | null | undefined;
  return async () => {
    const { data, error } = await authClient.token();
    // An outage of the sign-in server signs nobody out.
    if (error && error.status !== 401) throw new Error(`no token: Better Auth answered ${error.status}`);
    const user = data ? subjectOf(data.token) : null;
    // What shows the session, as useSession() does, still shows the last one if it was changed elsewhere.
    if (last !== undefined && user !== last) authClient.$store?.notify("$sessionSignal");
    last = user;
    return data?.token;
  };
}
