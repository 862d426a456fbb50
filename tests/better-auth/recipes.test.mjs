// Every recipe of docs/BETTER_AUTH.md, taken from the page and run.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { toNodeHandler } from "better-auth/node";
import { Browser, decode, getMigrations } from "./support/frontend.mjs";
import { PAGE, RECIPES, variables, write } from "./support/recipes.mjs";
import { serveReady } from "./support/todoward.mjs";

const PUBLIC = "https://app.example.com";
const DATABASE = `
  import Database from "libsql";
  import { SqliteDialect } from "kysely";
  export const database = {
    dialect: new SqliteDialect({ database: new Database(":memory:") }),
    type: "sqlite",
  };`;

/** Runs the frontend and the Todoward of a recipe; `map` puts real addresses in. */
async function run(t, recipe, map, more = {}) {
  let handler;
  const http = createServer((request, response) => handler(request, response));
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  t.after(() => {
    http.closeAllConnections();
    return new Promise((done) => http.close(done));
  });
  const url = `http://127.0.0.1:${http.address().port}`;
  const mapped = (text) => map(text, url);
  const files = Object.entries({ ...recipe, ...more, "database.js": DATABASE });
  const directory = write(t, Object.fromEntries(files.map(([name, text]) => [name, mapped(text)])));
  const environment = variables(mapped(recipe["frontend.env"]));
  Object.assign(process.env, environment);
  const load = (file) => import(pathToFileURL(join(directory, file)));
  const { auth } = await load("auth.js");
  await (await getMigrations(auth.options)).runMigrations();
  handler = toNodeHandler(auth);
  const { baseURL } = await auth.$context;
  for (const name of Object.keys(environment)) delete process.env[name];
  const settings = variables(mapped(recipe["todoward.env"]));
  const app = await serveReady(t, settings);
  const browser = new Browser(url);
  // What the pages of the frontend send as their origin.
  browser.url = new URL(baseURL).origin;
  await browser.signUp("alice");
  globalThis.requestCookie = browser.cookieHeader;
  return { app, auth, browser, load, url };
}

const local = (text, url) => text.replaceAll(PUBLIC, url);

async function servesTasks(app, browser, token) {
  const made = await app.create(token, "Buy milk");
  assert.equal(made.status, 201, JSON.stringify(made.data));
  assert.equal(made.data.owner_id, browser.user.id);
  const list = await app.tasks(token);
  assert.deepEqual(list.data.items.map((task) => task.id), [made.data.id]);
}

test("the recipe of the key pair works", async (t) => {
  const { app, browser } = await run(t, RECIPES["key-pair"], local);
  const token = await browser.token();
  assert.equal(decode(token).header.alg, "EdDSA");
  await servesTasks(app, browser, token);
});

test("the recipe for containers works: keys from inside, issuer and audience from outside", async (t) => {
  const inside = (text, url) => text.replaceAll("http://web:3000", url);
  const { app, browser } = await run(t, RECIPES.docker, inside);
  const token = await browser.token();
  assert.equal(decode(token).claims.iss, PUBLIC);
  await servesTasks(app, browser, token);
});

test("the recipe of the shared secret works", async (t) => {
  const { app, browser } = await run(t, RECIPES["shared-secret"], local);
  const token = await browser.token();
  assert.equal(decode(token).header.alg, "HS256");
  await servesTasks(app, browser, token);
});

test("the recipe of the session cookie works, with the cookie as it is read on the server", async (t) => {
  const { app, browser, load } = await run(t, RECIPES["session-cookie"], local);
  const { sessionToken } = await load("server.js");
  const token = await sessionToken();
  assert.equal(token, browser.sessionData);
  await servesTasks(app, browser, token);
  // In parts, in any order, and with the prefix of https.
  const name = "__Secure-better-auth.session_data";
  const middle = Math.floor(token.length / 2);
  const parts = [`${name}.1=${token.slice(middle)}`, "other=1", `${name}.0=${token.slice(0, middle)}`];
  globalThis.requestCookie = parts.join("; ");
  assert.equal(await sessionToken(), token);
});

/** A browser's fetch: cookies and an origin for the frontend, Todoward at its address. */
function browserFetch(t, { app, browser, url }, before = (request) => request) {
  const real = globalThis.fetch;
  t.after(() => (globalThis.fetch = real));
  const calls = [];
  globalThis.fetch = async (address, init = {}) => {
    const target = String(address).replace("https://tasks.example.com", app.url);
    const headers = new Headers(init.headers);
    if (target.startsWith(url)) {
      headers.set("origin", url);
      headers.set("cookie", browser.cookieHeader);
    } else {
      calls.push(target);
    }
    return real(target, before({ ...init, headers }, target));
  };
  return calls;
}

test("the client of the page gets a token, sends it, and gets a new one once on a 401", async (t) => {
  const recipe = RECIPES["key-pair"];
  const files = { "client.js": RECIPES.client["client.js"] };
  const running = await run(t, recipe, local, files);
  let spoiled = 0;
  const spoil = (init) => {
    const authorization = init.headers.get("authorization");
    if (authorization && spoiled > 0) {
      spoiled -= 1;
      init.headers.set("authorization", `${authorization.slice(0, -8)}AAAAAAAA`);
    }
    return init;
  };
  const calls = browserFetch(t, running, spoil);
  const { api, signOut } = await running.load("client.js");
  const json = { "Content-Type": "application/json" };
  const init = { method: "POST", headers: json, body: '{"title":"Buy milk"}' };
  assert.equal((await api("/tasks", init)).status, 201);
  assert.equal(calls.length, 1);
  spoiled = 1;
  assert.equal((await api("/tasks")).status, 200);
  assert.equal(calls.length, 3, "one more try");
  spoiled = 10;
  assert.equal((await api("/tasks")).status, 401);
  assert.equal(calls.length, 5, "no third try");
  spoiled = 0;
  await signOut();
  running.browser.cookies.clear();
  await assert.rejects(api("/tasks"), /signed out/);
});

test("a server component gets a token in its own process, and its user's tasks", async (t) => {
  const files = { "tasks.js": RECIPES.client["tasks.js"] };
  const running = await run(t, RECIPES["key-pair"], local, files);
  await running.app.create(await running.browser.token(), "Buy milk");
  browserFetch(t, running);
  const { tasks } = await running.load("tasks.js");
  assert.deepEqual((await tasks()).map((task) => task.title), ["Buy milk"]);
});

test("the table of symptoms has the sentences of the code, and all of them", () => {
  const directory = fileURLToPath(new URL("../../src/auth/", import.meta.url));
  const code = readdirSync(directory)
    .filter((file) => file.endsWith(".rs"))
    .map((file) => readFileSync(join(directory, file), "utf8").replace(/\nmod tests \{[\s\S]*/, ""))
    .join("\n");
  const rows = PAGE.split("\n").filter((line) => /^\| `\w+`( \(\d+\))? \|/.test(line));
  const details = rows.map((row) =>
    row.split(" | ")[1].replaceAll("&lt;", "<").replaceAll("&gt;", ">"),
  );
  for (const detail of details) {
    const literal = `"${detail.replaceAll('"', '\\"')}"`;
    assert.ok(code.includes(literal), `not in the code: ${detail}`);
  }
  // Those about a form that no Better Auth makes are in docs/API.md.
  const refusal = /Refusal::(?!Malformed|InvalidClaims)\w+\(\s*"((?:[^"\\]|\\.)*)"/g;
  for (const [, text] of code.matchAll(refusal)) {
    assert.ok(details.includes(text.replaceAll('\\"', '"')), `not in the table: ${text}`);
  }
});
