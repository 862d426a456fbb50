// Builds dist/. Where this directory is linked (`file:`), npm installs what the
// package needs to run, but not what it needs to be built.

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";

const cwd = new URL(".", import.meta.url);
const compiler = "node_modules/typescript/bin/tsc";

function run(command) {
  const { status } = spawnSync(command, { cwd, shell: true, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(new URL(compiler, import.meta.url))) run("npm ci --ignore-scripts --include=dev");
// What is published is what is built now, not what was before.
rmSync(new URL("dist", cwd), { recursive: true, force: true });
run(`node ${compiler}`);
