// The recipes of the documentation, as files to run.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const read = (page) => readFileSync(join(HERE, "../..", page), "utf8");
export const PAGE = read("docs/BETTER_AUTH.md");
const PAGES = [PAGE, read("README.md"), read("clients/typescript/README.md")];
const BLOCK = /<!-- recipe: (\S+) (\S+) -->\n```\w+\n([\s\S]*?)```/g;

/** Recipe name to file name to text. */
export const RECIPES = {};
for (const [, recipe, file, text] of PAGES.join("\n").matchAll(BLOCK)) {
  (RECIPES[recipe] ??= {})[file] = text;
}
if (PAGES.join("\n").split("<!-- recipe: ").length - 1 !== Object.values(RECIPES).flatMap(Object.keys).length) {
  throw new Error("a block of a recipe is not followed by a fence");
}

/** The variables of a block of settings. */
export function variables(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

/** Writes files where they find this project's packages, the client's, and a stand-in for Next.js. */
export function write(t, files) {
  const directory = mkdtempSync(join(HERE, ".recipe-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const next = join(directory, "node_modules/next");
  mkdirSync(next, { recursive: true });
  writeFileSync(join(next, "package.json"), '{"type":"module","exports":{"./headers":"./headers.js"}}');
  writeFileSync(
    join(next, "headers.js"),
    `export const headers = async () => new Headers({ cookie: globalThis.requestCookie });
     export const cookies = async () => ({
       getAll: () => globalThis.requestCookie.split("; ").map((pair) => {
         const [name, value] = pair.split(/=(.*)/s, 2);
         return { name, value };
       }),
     });`,
  );
  symlinkSync(join(HERE, "../../clients/typescript"), join(directory, "node_modules/todoward-client"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}
