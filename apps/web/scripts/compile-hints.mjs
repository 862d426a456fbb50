// After a build: the scripts that the first page waits for tell Chrome to compile them while they arrive, on another
// thread. Else each function is compiled where it is first called, which holds up the page when it has just been seen.
// https://v8.dev/blog/explicit-compile-hints; for other browsers it is a comment.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";

const HINT = "//# allFunctionsCalledOnLoad\n";

const build = join(import.meta.dirname, "../.next");
const read = (...path) => readFileSync(join(build, ...path), "utf8");

/** The scripts of a page, by what the server reads to write it. */
function scriptsOf(manifest) {
  const context = {};
  runInNewContext(manifest, { globalThis: context });
  return Object.values(context.__RSC_MANIFEST).flatMap(({ entryJSFiles }) => Object.values(entryJSFiles).flat());
}

const pages = readdirSync(join(build, "server/app"), { recursive: true }).filter((path) => path.endsWith("page_client-reference-manifest.js"));
const first = new Set([...JSON.parse(read("build-manifest.json")).rootMainFiles, ...pages.flatMap((path) => scriptsOf(read("server/app", path)))]);
// In a small one there is nothing to gain.
const SMALL = 12_000;

let hinted = 0;
for (const path of first) {
  const script = read(path);
  if (script.length < SMALL || script.startsWith(HINT)) continue;
  writeFileSync(join(build, path), HINT + script);
  hinted += 1;
}
console.log(`compile hints: ${hinted} files`);
