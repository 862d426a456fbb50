// The packages that `make e2e-packages` has packed, and projects that install them.

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const HERE = import.meta.dirname;
export const ROOT = resolve(HERE, "../../..");
export const PACKAGES = resolve(ROOT, process.env.TODOWARD_PACKAGES ?? "target/test-packages");
export const PLATFORM = `${process.platform}-${process.arch}`;
export const VERSION = /^version = "(.+)"$/m.exec(read("Cargo.toml"))[1];

export function read(path) {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The package of a file name, of which there is one. */
export function packed(pattern) {
  const [name, ...others] = readdirSync(PACKAGES).filter((file) => pattern.test(file));
  if (!name || others.length > 0) throw new Error(`not one ${pattern} in ${PACKAGES}`);
  return join(PACKAGES, name);
}

/** The packages of platforms, by platform. */
function packedPlatforms() {
  const names = readdirSync(PACKAGES).map((file) => [/^todoward-([a-z].*)-\d+\.\d+\.\d+.*\.tgz$/.exec(file)?.[1], file]);
  return Object.fromEntries(names.filter(([platform]) => platform).map(([platform, file]) => [platform, join(PACKAGES, file)]));
}

export function temporary(t) {
  const folder = mkdtempSync(join(tmpdir(), "todoward-packages-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs a program to its end, whatever that is. */
export function run(program, args, { input = "", ...options } = {}) {
  return new Promise((done, failed) => {
    const child = execFile(program, args, { maxBuffer: 1 << 26, ...options }, (error, stdout, stderr) => {
      if (error && typeof error.code === "string") failed(error);
      else done({ code: error ? error.code : 0, signal: error?.signal ?? null, stdout, stderr });
    });
    // A program may end without reading its input.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

export async function succeed(program, args, options) {
  const ended = await run(program, args, options);
  if (ended.code !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.code}\n${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

/**
 * A project that is empty but for Todoward. Nothing is fetched: the platform's package is an
 * optional dependency of the project, too, because no registry has it.
 */
export async function project(t, { platforms = packedPlatforms(), todoward = packed(/^todoward-\d/), options = [] } = {}) {
  const folder = temporary(t);
  const optionalDependencies = Object.fromEntries(
    Object.entries(platforms).map(([platform, file]) => [`@todoward/${platform}`, `file:${file}`]),
  );
  const manifest = {
    name: "app",
    private: true,
    scripts: { tasks: "todoward dev" },
    devDependencies: { todoward: `file:${todoward}` },
    optionalDependencies,
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  await succeed("npm", ["install", "--offline", "--no-audit", "--no-fund", ...options], { cwd: folder });
  return folder;
}

/** The environment of a server of a test: its own port, and nothing of the machine's settings. */
export function environment(more = {}) {
  return { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", ...more };
}

/** Starts `todoward dev`, and resolves when it has said where it serves. */
export async function serve(t, program, args, options) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const ended = new Promise((done) => child.on("close", (code, signal) => done({ code, signal })));
  t.after(() => {
    try {
      process.kill(options.detached ? -child.pid : child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  });
  let output = "";
  const url = await new Promise((done, failed) => {
    const look = (chunk) => {
      output += chunk;
      const found = /health {4}(http:\S+)\n/.exec(output);
      if (found) done(found[1]);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", failed);
    ended.then(({ code, signal }) => failed(new Error(`ended with ${code ?? signal}: ${output}`)));
  });
  return { child, ended, url, output: () => output };
}
