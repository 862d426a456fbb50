// Which release of Better Auth the tests run against: the newest, or with
// BETTER_AUTH_LINE=oldest the oldest that docs/BETTER_AUTH.md claims. Loaded before
// everything else, so that every import of better-auth finds that one.

import { createRequire, register } from "node:module";
import { readFileSync } from "node:fs";

const OLDEST = process.env.BETTER_AUTH_LINE === "oldest";
const home = new URL(OLDEST ? "../oldest/package.json" : "../package.json", import.meta.url);

const entry = createRequire(home).resolve("better-auth");
const root = entry.slice(0, entry.lastIndexOf("/better-auth/") + "/better-auth/".length);
export const VERSION = JSON.parse(readFileSync(`${root}package.json`, "utf8")).version;

/** Whether this line has what came with a release, as "1.7". */
export function since(release) {
  const [major, minor] = VERSION.split(".").map(Number);
  const [since, of] = release.split(".").map(Number);
  return major > since || (major === since && minor >= of);
}

/** The options of a test of something that came with a release. */
export const needs = (release) => ({ skip: !since(release) && `needs Better Auth ${release}` });

const HOOK = `
  let home;
  export const initialize = (data) => void (home = data);
  export const resolve = (specifier, context, next) => {
    const isOurs = context.parentURL && !context.parentURL.includes("/node_modules/");
    return isOurs && /^better-auth(\\/|$)/.test(specifier)
      ? next(specifier, { ...context, parentURL: home })
      : next(specifier, context);
  };`;

if (OLDEST) register(`data:text/javascript,${encodeURIComponent(HOOK)}`, { data: home.href });
