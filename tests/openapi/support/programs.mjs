// The linters and generators, in the versions that are pinned here.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const VENV = join(HERE, "../../target/openapi-python-client");
export const BINARY = resolve(HERE, process.env.TODOWARD_BIN ?? "../../target/debug/todoward");
export const DOCUMENT = join(HERE, "../../openapi.json");

/** Runs a program to its end. If it fails, the message of the error is its output. */
export function run(program, args, variables = {}) {
  const env = { ...process.env, ...variables };
  try {
    return execFileSync(program, args, { cwd: HERE, env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${error.stdout}`);
  }
}

/** A program of an npm package. */
export const npx = (name, args) => run(join(HERE, "node_modules/.bin", name), args);

/** A program of the pinned Python packages, which are installed unless they are there. */
export function python(name, args, variables = {}) {
  const wanted = readFileSync(join(HERE, "requirements.txt"), "utf8");
  const stamp = join(VENV, "installed.txt");
  const bin = join(VENV, "bin");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    mkdirSync(VENV, { recursive: true });
    run("python3", ["-m", "venv", "--clear", VENV]);
    run(join(bin, "python"), ["-m", "pip", "install", "--quiet", "--no-deps", "-r", "requirements.txt"]);
    writeFileSync(stamp, wanted);
  }
  // With this PATH the programs of the package find each other.
  return run(join(bin, name), args, { PATH: `${bin}:${process.env.PATH}`, ...variables });
}
