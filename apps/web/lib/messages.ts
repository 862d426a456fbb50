import type { StoreStatus } from "todoward-client/sync";

interface Explanation {
  /** What is wrong, and what it means for the user. */
  text: string;
  /** For whoever runs the servers. */
  hint?: string;
}

/** Why the tasks on this device are not in step with the server; null: they are, or soon will be. */
export function explainSync({ state, error = "" }: StoreStatus, online: boolean, baseUrl: string): Explanation | null {
  if (!online) return { text: "You’re offline. You can keep working." };
  if (state !== "offline" && state !== "error") return null;
  if (error.startsWith("FrontendUnreachable")) {
    return { text: "The sign-in server isn’t responding. You’re still signed in and can keep working.", hint: error };
  }
  if (/\bno_such_address\b/.test(error) || (state === "error" && error.startsWith("TodowardUnreachable"))) {
    return {
      text: "Something other than Todoward is responding. You can keep working, but nothing will sync.",
      hint: `Check ${variable(baseUrl)} in the environment of the Next.js server. ${error}`,
    };
  }
  if (error.startsWith("TodowardUnreachable")) {
    const cors = isDirect(baseUrl) ? ` Does its TODOWARD__CORS__ALLOWED_ORIGINS name ${location.origin}?` : "";
    return { text: "Can’t reach Todoward. You can keep working.", hint: `Is Todoward running where ${variable(baseUrl)} says?${cors} ${error}` };
  }
  if (/\b401\b|invalid_(token|claims|issuer|audience)/.test(error)) {
    return {
      text: "Todoward doesn’t accept your sign-in. Try signing out and in again.",
      hint: `Start Todoward with BETTER_AUTH_URL=${location.origin}, the address of this app exactly as in the browser. ${error}`,
    };
  }
  if (/rate_limited|overloaded/.test(error)) return { text: "Todoward is busy. Your changes will sync shortly.", hint: error };
  return { text: "Todoward can’t sync at the moment. You can keep working.", hint: error };
}

const isDirect = (baseUrl: string) => !baseUrl.startsWith("/");

/** The one that says where Todoward is. */
const variable = (baseUrl: string) => (isDirect(baseUrl) ? "NEXT_PUBLIC_TODOWARD_URL" : process.env.ADDRESS_IN);
