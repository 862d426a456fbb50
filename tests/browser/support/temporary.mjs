// Directories that are gone with the process, also if it is interrupted.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directories = new Set();
process.on("exit", () => directories.forEach(remove));

/** A directory that ends with `t`. */
export function temporary(t, name) {
  const directory = mkdtempSync(join(tmpdir(), `todoward-${name}-`));
  directories.add(directory);
  t.after(() => remove(directory));
  return directory;
}

function remove(directory) {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}
