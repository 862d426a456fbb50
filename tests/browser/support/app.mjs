// The app as it is deployed: `next start` on what `npm run build` made; or as
// it is developed, `next dev`.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../../better-auth/support/wait.mjs";
import { temporary } from "./temporary.mjs";

const APP = fileURLToPath(new URL("../../../apps/web", import.meta.url));
const NEXT = join(APP, "node_modules/next/dist/bin/next");

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/**
 * A port that nobody has; the address of both servers depends on it before either is started. Below those
 * that the system gives to outgoing connections, one of which could take it until then.
 */
export async function freePort() {
  const port = randomInt(10_000, 30_000);
  return (await isFree(port)) ? port : freePort();
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** Starts the app on 127.0.0.1, with a data directory of its own; it ends with `t`. */
export async function startApp(t, port, variables, { command = "start" } = {}) {
  if (!existsSync(join(APP, ".next/BUILD_ID"))) throw new Error("no build: cd apps/web && npm ci && npm run build");
  const directory = temporary(t, "app");
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [NEXT, command, "-H", "127.0.0.1", "-p", String(port)], {
    cwd: APP,
    env: {
      PATH: process.env.PATH,
      NEXT_TELEMETRY_DISABLED: "1",
      AUTH_DATA_DIR: directory,
      BETTER_AUTH_URL: url,
      ...variables,
    },
  });
  children.add(child);
  let log = "";
  child.stdout.on("data", (bytes) => (log += bytes));
  child.stderr.on("data", (bytes) => (log += bytes));
  const ended = new Promise((done) => child.once("close", done));
  t.after(async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
    children.delete(child);
  });
  const hasEnded = () => child.exitCode !== null;
  await eventually("the app answers", async () => hasEnded() || (await fetch(`${url}/api/auth/jwks`)).ok, 60_000);
  if (hasEnded()) throw new Error(`the app has ended: ${log}`);
}
