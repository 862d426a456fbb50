// Where Todoward is. Read while the server runs, so that one build, and one
// container image, does for every place. Next.js would write
// process.env.NEXT_PUBLIC_… into the build; it does not see through a constant.

const environment = process.env;

/** Where the browser finds Todoward: on another origin, or below a path of this one. */
export const browserBaseUrl = () => environment.NEXT_PUBLIC_TODOWARD_URL || "/backend";

/** Where this server finds Todoward, to pass the browser's requests on. */
export const backendUrl = () => environment.TODOWARD_URL || "http://127.0.0.1:8080";

/** Milliseconds after which Todoward is taken for one that is away. It answers within 15 s (server.request_timeout). */
export const timeLimit = () => Number(environment.TODOWARD_TIMEOUT || 16) * 1000;

/** The origin that pages may connect to, besides their own. */
export function foreignOrigin() {
  const base = browserBaseUrl();
  return base.startsWith("/") ? undefined : new URL(base).origin;
}
