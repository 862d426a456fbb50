// npm run demo: Todoward and this app, set up for each other, with sample tasks. Ends both with Ctrl+C.

import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join, resolve } from "node:path";

const APP = join(import.meta.dirname, "..");
const REPOSITORY = join(APP, "../..");
const DATA = join(APP, "data/demo");
const ACCOUNT = { name: "Demo", email: "demo@example.com", password: "demo-password" };

const port = Number(process.env.PORT || 3000);
const todowardPort = Number(process.env.TODOWARD_PORT || 8080);
const url = `http://localhost:${port}`;
const todoward = `http://127.0.0.1:${todowardPort}`;
const children = new Set();
let ending = false;

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => end(0));
await main().catch((error) => fail(error.message));

async function main() {
  if (!existsSync(join(APP, "node_modules/next"))) throw new Error("The packages are not installed. Run: npm install");
  await checkPort(port, "PORT=3001 npm run demo");
  await checkPort(todowardPort, "TODOWARD_PORT=8081 npm run demo");
  const [command, args] = findTodoward();
  mkdirSync(DATA, { recursive: true, mode: 0o700 });

  say("Starting the app…");
  const variables = { ...process.env, PORT: String(port), AUTH_DATA_DIR: DATA, BETTER_AUTH_URL: url, TODOWARD_URL: todoward, NEXT_TELEMETRY_DISABLED: "1" };
  // Its password is known to everybody: only for this machine.
  run("the app", process.execPath, [join(APP, "node_modules/next/dist/bin/next"), "dev", "-p", String(port), "-H", "127.0.0.1"], { cwd: APP, env: variables });
  await until("the app", `${url}/api/auth/jwks`, 120);

  // Only now: it asks the app for its keys at once.
  say(command === "cargo" ? "Building and starting Todoward; the first time takes some minutes…" : "Starting Todoward…");
  const settings = { ...process.env, PORT: String(todowardPort), BETTER_AUTH_URL: url, DATABASE_URL: `sqlite://${join(DATA, "todoward.db")}` };
  run("Todoward", command, args, { cwd: DATA, env: settings, loud: command === "cargo" });
  await until("Todoward", `${todoward}/health/ready`, command === "cargo" ? 1800 : 30);

  await addSamples();
  say(`
  Todoward is ready:  ${url}

  Sign in as ${ACCOUNT.email} with the password ${ACCOUNT.password},
  or choose “Try it without an account”.

  Everything is in ${DATA}. Stop with Ctrl+C.
`);
}

function say(text) {
  console.log(text);
}

function fail(text) {
  console.error(text);
  end(1);
}

function end(code) {
  if (ending) return;
  ending = true;
  for (const child of children) child.kill("SIGTERM");
  const late = setTimeout(() => children.forEach((child) => child.kill("SIGKILL")), 8000);
  Promise.all([...children].map((child) => new Promise((done) => child.once("close", done)))).then(() => {
    clearTimeout(late);
    process.exit(code);
  });
}

/** TODOWARD_BIN, the command of the npm package or of an installation, or this repository. */
function findTodoward() {
  const named = process.env.TODOWARD_BIN && resolve(process.env.TODOWARD_BIN);
  if (named) return isProgram(named) ? [named, ["dev"]] : nothing(`TODOWARD_BIN is "${named}", and there is no such program.`);
  const directories = [join(APP, "node_modules/.bin"), ...(process.env.PATH ?? "").split(delimiter)];
  const found = directories.map((directory) => join(directory, "todoward")).find(isProgram);
  if (found) return [found, ["dev"]];
  const manifest = join(REPOSITORY, "Cargo.toml");
  const cargo = (process.env.PATH ?? "").split(delimiter).some((directory) => isProgram(join(directory, "cargo")));
  if (cargo && existsSync(manifest)) return ["cargo", ["run", "--quiet", "--no-default-features", "--manifest-path", manifest, "--", "dev"]];
  return nothing("There is no Todoward: install it, name it with TODOWARD_BIN=/path/to/todoward, or install Rust (https://rustup.rs) to build it.");
}

function nothing(text) {
  throw new Error(text);
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whoever answers there would be taken for the one that is started here. */
async function checkPort(number, example) {
  for (const host of ["127.0.0.1", "::1"]) {
    const taken = await new Promise((done) => {
      const socket = connect({ port: number, host, timeout: 1000 });
      socket.once("connect", () => (socket.destroy(), done(true)));
      socket.once("error", () => done(false));
      socket.once("timeout", () => (socket.destroy(), done(false)));
    });
    if (taken) throw new Error(`Port ${number} is taken by another program. Stop that one, or choose another port: ${example}`);
  }
}

/** Starts a program. What it writes is shown if it ends, or from the start. */
function run(name, command, args, { loud = false, ...options }) {
  const child = spawn(command, args, options);
  children.add(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => {
      log = (log + bytes).slice(-8000);
      if (loud) process.stderr.write(bytes);
    });
  }
  child.once("error", (error) => fail(`${name} could not be started: ${error.message}`));
  child.once("close", (code) => {
    children.delete(child);
    if (!ending) fail(`${loud ? "" : log}\n${name} has ended (${code ?? "by a signal"}).`);
  });
}

async function until(name, address, seconds) {
  for (const begin = Date.now(); Date.now() - begin < seconds * 1000; ) {
    const ok = await fetch(address, { signal: AbortSignal.timeout(60_000) }).then((response) => response.ok, () => false);
    if (ok) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new Error(`${name} has not started within ${seconds} seconds.`);
}

/** An account with tasks; at a later start it is there already. */
async function addSamples() {
  const headers = { "content-type": "application/json", origin: url };
  const post = (path, body) => fetch(`${url}/api/auth${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  let response = await post("/sign-in/email", ACCOUNT);
  if (!response.ok) response = await post("/sign-up/email", ACCOUNT);
  if (!response.ok) throw new Error(`The demo account could not be made: ${response.status} ${await response.text()}`);
  const cookie = response.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  const { token } = await (await fetch(`${url}/api/auth/token`, { headers: { cookie } })).json();
  const { Todoward } = await import("todoward-client");
  const { samples } = await import("../lib/samples.ts");
  const client = new Todoward({ baseUrl: todoward, token: async () => token });
  if ((await client.readAccount()).tasks > 0) return;
  const today = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" }).format(new Date());
  const { lists, tasks } = samples(today);
  for (const { id, ...fields } of lists) await client.createList(fields, { id });
  for (const { id, fields } of tasks) await client.createTask(fields, { id });
}
