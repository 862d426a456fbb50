// Other people's programs, each ended with its test, however that ends.

import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unprivileged } from "../../better-auth/support/postgres.mjs";

/** Who runs what refuses to run as root. */
export const user = process.getuid() === 0 ? unprivileged() : {};

const running = new Set();
process.on("exit", () => running.forEach((program) => program.signal("SIGKILL")));

const cleanups = new WeakMap();

/** Does something at the end of a test; what was begun last ends first. */
export function atEnd(t, cleanup) {
  if (!cleanups.has(t)) {
    const list = [];
    cleanups.set(t, list);
    t.after(async () => {
      const failed = [];
      for (const one of list.reverse()) await Promise.resolve().then(one).catch((error) => failed.push(error));
      if (failed.length) throw failed[0];
    });
  }
  cleanups.get(t).push(cleanup);
}

/** A directory that such a program may write to, gone with the test. */
export function directory(t) {
  const path = mkdtempSync(join(tmpdir(), "todoward-"));
  if (user.uid) chownSync(path, user.uid, user.gid);
  atEnd(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }));
  return path;
}

/** The path of a program that a package of the system brings. */
export function find(name, mend) {
  const places = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  const found = places.map((place) => join(place, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`no ${name}: ${mend ?? `apt-get install ${name}`}`);
  return found;
}

/** Starts a program; its output goes to a file. */
export function start(t, path, given, { env = {}, log, cwd = "/", as = user, end = "SIGTERM", patience = 10 }) {
  const out = openSync(log, "a");
  const child = spawn(path, given, {
    ...as,
    cwd,
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
    stdio: ["ignore", out, out],
  });
  closeSync(out);
  const program = {
    child,
    log: () => readFileSync(log, "utf8"),
    signal: (signal) => child.exitCode === null && child.signalCode === null && child.kill(signal),
    async stop(signal = end) {
      program.signal(signal);
      const late = setTimeout(() => program.signal("SIGKILL"), patience * 1000);
      await program.ended.finally(() => clearTimeout(late));
    },
  };
  program.ended = new Promise((done) => {
    child.once("error", (error) => done(error));
    child.once("exit", (code, signal) => {
      running.delete(program);
      done(code ?? signal);
    });
  });
  running.add(program);
  atEnd(t, () => program.stop());
  return program;
}

/** Prints rows of the same members as a table. */
export function table(title, rows) {
  const names = Object.keys(rows[0]);
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? "")))];
  const widths = names.map((_, at) => Math.max(...cells.map((row) => row[at].length)));
  const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  console.log(`\n${title}\n\n${[line(cells[0]), rule, ...cells.slice(1).map(line)].join("\n")}\n`);
}

/** A number of the environment. */
export const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
