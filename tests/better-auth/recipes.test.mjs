// Every recipe of docs/BETTER_AUTH.md, taken from the page and run.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser, decode } from "./support/frontend.mjs";
import { PAGE, RECIPES } from "./support/recipes.mjs";
import { browserFetch, local, PUBLIC, run } from "./support/running.mjs";

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
  // The cookie in parts, in any order, and with the prefix that https gives it.
  const name = "__Secure-better-auth.session_data";
  const middle = Math.floor(token.length / 2);
  const parts = [`${name}.1=${token.slice(middle)}`, "other=1", `${name}.0=${token.slice(0, middle)}`];
  globalThis.requestCookie = parts.join("; ");
  assert.equal(await sessionToken(), token);
});

test("the client of the page gets a token for each call, and knows an outage from a sign-out", async (t) => {
  const files = { "client.js": RECIPES.client["client.js"] };
  const running = await run(t, RECIPES["key-pair"], local, files);
  const page = browserFetch(t, running);
  const { api, authClient } = await running.load("client.js");
  const json = { "Content-Type": "application/json" };
  const init = { method: "POST", headers: json, body: '{"title":"Buy milk"}' };
  assert.equal((await api("/tasks", init)).status, 201);
  assert.equal((await api("/tasks")).status, 200);
  assert.deepEqual(page.calls, { frontend: 2, todoward: 2 });
  page.answer = () => new Response("", { status: 503 });
  await assert.rejects(api("/tasks"), /no token: 503/);
  delete page.answer;
  await authClient.signOut();
  await assert.rejects(api("/tasks"), /signed out/);
  assert.equal(page.calls.todoward, 2);
});

test("a server component gets a token in its own process, and its user's tasks", async (t) => {
  const files = { "tasks.js": RECIPES.client["tasks.js"] };
  const running = await run(t, RECIPES["key-pair"], local, files);
  await running.app.create(await running.browser.token(), "Buy milk");
  browserFetch(t, running);
  const { tasks } = await running.load("tasks.js");
  assert.deepEqual((await tasks()).map((task) => task.title), ["Buy milk"]);
});

/** Makes the frontend's server call Todoward at its real address. */
function serverFetch(t, app) {
  const real = globalThis.fetch;
  t.after(() => (globalThis.fetch = real));
  globalThis.fetch = (address, init) => real(String(address).replace("https://tasks.example.com", app.url), init);
}

test("the hooks of the recipe erase a deleted user's tasks, and a new user adopts an anonymous one's", async (t) => {
  const running = await run(t, RECIPES.accounts, local);
  const { app, browser } = running;
  serverFetch(t, app);
  const counts = async (token) => {
    const { status, data } = await app.request("GET", "/api/v1/users/me", token);
    assert.equal(status, 200, JSON.stringify(data));
    return data.tasks;
  };

  // An anonymous user signs up.
  const guest = new Browser(running.url);
  guest.url = browser.url;
  await guest.call("POST", "/sign-in/anonymous", {});
  const before = await guest.token();
  assert.equal(decode(before).claims.isAnonymous, true, "as the token of an anonymous user says");
  assert.equal((await app.create(before, "Buy milk")).status, 201);
  await guest.signUp("grace");
  const after = await guest.token();
  assert.notEqual(decode(after).claims.sub, decode(before).claims.sub);
  assert.deepEqual((await app.tasks(after)).data.items.map(({ title }) => title), ["Buy milk"]);
  assert.equal(await counts(before), 0, "the token that is still out finds nothing");

  // A user is deleted.
  const token = await browser.token();
  assert.equal((await app.create(token, "Secret")).status, 201);
  await browser.call("POST", "/delete-user", { password: "correct horse battery" });
  assert.equal(await counts(token), 0);
  assert.equal(await counts(after), 1, "nobody else's are erased");
});

test("a user whose tasks cannot be erased is not deleted", async (t) => {
  const running = await run(t, RECIPES.accounts, local);
  const { app, browser } = running;
  serverFetch(t, app);
  await app.stop();
  await assert.rejects(browser.call("POST", "/delete-user", { password: "correct horse battery" }));
  assert.ok((await browser.call("GET", "/get-session")).data.user, "still there");
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
  // The refusals of forms that Better Auth never makes are in docs/API.md.
  const refusal = /Refusal::(?!Malformed|InvalidClaims)\w+\(\s*"((?:[^"\\]|\\.)*)"/g;
  for (const [, text] of code.matchAll(refusal)) {
    assert.ok(details.includes(text.replaceAll('\\"', '"')), `not in the table: ${text}`);
  }
});
