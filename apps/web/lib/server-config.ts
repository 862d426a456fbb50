// Where Todoward is. Read while the server runs, so that one build, and one
// container image, does for every place. Next.js would write
// process.env.NEXT_PUBLIC_… into the build; it does not see through a constant.

const environment = process.env;

/** Where the browser finds Todoward: on another origin, or below a path of this one. */
export const browserBaseUrl = () => environment.NEXT_PUBLIC_TODOWARD_URL || "/backend";

/** Where this server finds Todoward, to pass the browser's requests on. */
export const backendUrl = () => environment.TODOWARD_URL || "http://127.0.0.1:8080";

/** Where this server finds Todoward when it asks itself; where the browser goes directly, at the same place. */
export const ownUrl = () => environment.TODOWARD_URL || (isPath(browserBaseUrl()) ? backendUrl() : browserBaseUrl());

/** Milliseconds after which Todoward is taken for one that is away. It answers within 15 s (server.request_timeout). */
export const timeLimit = () => Number(environment.TODOWARD_TIMEOUT || 16) * 1000;

/** Says at the start what would otherwise fail at every page. */
export function checkSettings() {
  for (const name of ["TODOWARD_URL", "NEXT_PUBLIC_TODOWARD_URL", "BETTER_AUTH_URL"]) checkAddress(name);
  if (!(timeLimit() > 0)) throw new Error(`TODOWARD_TIMEOUT is "${environment.TODOWARD_TIMEOUT}": write a number of seconds, such as 16`);
}

/** Without http:// an address is another one's path, or of a scheme that does not exist. */
export function checkAddress(name: string) {
  const value = environment[name];
  if (!value || (name === "NEXT_PUBLIC_TODOWARD_URL" && isPath(value))) return;
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return;
  const meant = `http://${value}`;
  const better = !/^\/|:\/\//.test(value) && URL.canParse(meant) ? meant : "an address such as http://127.0.0.1:8080";
  throw new Error(`${name} is "${value}", which is no address: write ${better}`);
}

const isPath = (value: string) => /^\/(?!\/)/.test(value);

/** The origin that pages may connect to, besides their own. */
export function foreignOrigin() {
  const base = browserBaseUrl();
  return isPath(base) ? undefined : new URL(base).origin;
}
