// The real binary, as a server and as a command.

import { spawn } from "node:child_process";
import { accessSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./wait.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const BINARY = resolve(HERE, process.env.TODOWARD_BIN ?? "../../target/debug/todoward");
accessSync(BINARY);

/** Children that must not outlive this process, however it ends. */
const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

function start(directory, command, variables, binary = BINARY) {
  const child = spawn(binary, [command], { cwd: directory, env: variables });
  children.add(child);
  const ended = new Promise((done) => {
    child.once("close", (code, signal) => {
      children.delete(child);
      done(code ?? signal);
    });
  });
  const seen = { out: "", err: "" };
  child.stdout.on("data", (bytes) => (seen.out += bytes));
  child.stderr.on("data", (bytes) => (seen.err += bytes));
  return { child, ended, seen };
}

/** Starts a server that ends with the test `t`. */
export async function serve(t, variables, binary) {
  const directory = mkdtempSync(join(tmpdir(), "todoward-"));
  const defaults = {
    DATABASE_URL: "sqlite://todoward.db",
    PORT: "0",
    TODOWARD__METRICS__PORT: "0",
    TODOWARD__SERVER__WORKERS: "1",
  };
  const { child, ended, seen } = start(directory, "serve", { ...defaults, ...variables }, binary);
  const server = new Server(child, ended, seen);
  t.after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });
  server.url = await eventually(`it says where it serves: ${seen.err}`, () => {
    if (child.exitCode !== null) throw new Error(`it has ended: ${seen.err}`);
    const at = /serving.* address="?(127\.0\.0\.1:\d+)/.exec(seen.err);
    return at && `http://${at[1]}`;
  });
  return server;
}

/** Starts a server, and waits until it is ready. */
export async function serveReady(t, variables) {
  const server = await serve(t, variables);
  await server.becomesReady();
  return server;
}

class Server {
  constructor(child, ended, seen) {
    Object.assign(this, { child, ended, seen });
  }

  get log() {
    return this.seen.err;
  }

  async request(method, path, token, body) {
    const headers = {};
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body) headers["content-type"] = "application/json";
    const init = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    const data = text ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, data };
  }

  tasks(token) {
    return this.request("GET", "/api/v1/tasks", token);
  }

  /** The response to a request with this token, as one line: 200, or status, code and detail. */
  async says(token) {
    const { status, data } = await this.tasks(token);
    return status === 200 ? "200" : `${status} ${data.code}: ${data.detail}`;
  }

  create(token, title) {
    return this.request("POST", "/api/v1/tasks", token, { title });
  }

  ready() {
    return this.request("GET", "/health/ready");
  }

  becomesReady(limit) {
    return eventually("it is ready", async () => (await this.ready()).status === 200, limit);
  }

  logs(text) {
    return eventually(`a log line: ${text}`, () => this.log.includes(text));
  }

  /** Ends it by a signal; resolves to the exit code. */
  stop() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    return this.ended.finally(() => clearTimeout(late));
  }
}

/** `todoward migrate`: the exit code, and what it has written. */
export async function migrate(variables, binary) {
  const { ended, seen } = start(tmpdir(), "migrate", variables, binary);
  const code = await ended;
  return { code, ...seen };
}

/** `todoward check-token` with a token on its standard input. */
export async function checkToken(variables, token) {
  const { child, ended, seen } = start(tmpdir(), "check-token", variables);
  child.stdin.on("error", () => {});
  child.stdin.end(token);
  const code = await ended;
  return { code, ...seen };
}
