// A PostgreSQL for the tests: TEST_DATABASE_URL, or a throw-away cluster made
// with the machine's own binaries. Neither is a failure, never a skipped test.

import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./wait.mjs";

/** The address of an empty database, without which the test `t` cannot run. */
export async function postgres(t) {
  const named = process.env.TEST_DATABASE_URL;
  const server = named ? named.replace(/\/postgres$/, "") : await cluster(t);
  const name = `better_auth_${process.pid}_${Date.now()}`;
  const psql = (statement) => run("psql", ["-q", "-d", `${server}/postgres`, "-c", statement]);
  psql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  if (named) t.after(() => psql(`DROP DATABASE ${name} WITH (FORCE)`));
  return `${server}/${name}`;
}

async function cluster(t) {
  const binaries = findBinaries();
  const directory = mkdtempSync(join(tmpdir(), "todoward-postgres-"));
  // PostgreSQL refuses to run as root.
  const user = process.getuid() === 0 ? unprivileged() : {};
  if (user.uid) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
  run(join(binaries, "initdb"), [...options, "-D", data], user);
  const port = await freePort();
  // The shell ends the server when its standard input is closed, which happens
  // when this process ends, however it ends.
  const script = `
    "$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 \\
      -c fsync=off >"$2/log" 2>&1 </dev/null &
    read -r end; kill -INT $!; wait; rm -rf "$2"`;
  const shell = spawn("sh", ["-c", script, "sh", binaries, directory, `${port}`], {
    ...user,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise((done) => shell.once("close", done));
  t.after(async () => {
    shell.stdin.end();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  const url = `postgres://postgres@127.0.0.1:${port}`;
  await eventually("PostgreSQL answers", () => {
    try {
      run("psql", ["-q", "-d", `${url}/postgres`, "-c", "SELECT 1"]);
      return true;
    } catch (error) {
      const log = join(directory, "log");
      throw new Error(existsSync(log) ? readFileSync(log, "utf8") : error.message);
    }
  });
  return url;
}

function run(program, given, user = {}) {
  const path = program === "psql" ? join(findBinaries("psql"), "psql") : program;
  return execFileSync(path, given, { ...user, cwd: "/", stdio: "pipe" });
}

export function findBinaries(program = "postgres") {
  const places = (process.env.PATH ?? "").split(":");
  for (const parent of ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]) {
    const versions = existsSync(parent) ? readdirSync(parent).sort().reverse() : [];
    places.push(...versions.map((version) => join(parent, version, "bin")));
  }
  const found = places.find(
    (place) => existsSync(join(place, program)) && (program !== "postgres" || existsSync(join(place, "initdb"))),
  );
  if (found) return found;
  throw new Error(`no ${program}: run sh tests/install-postgres.sh, or set TEST_DATABASE_URL`);
}

export function unprivileged() {
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (what) => Number(execFileSync("id", [what, name], { stdio: "pipe" }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error("running as root, and there is no other user to run PostgreSQL as");
}

export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
