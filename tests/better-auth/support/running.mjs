// A recipe at work: its frontend, its Todoward, and a browser for its page.

import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toNodeHandler } from "better-auth/node";
import { Browser, getMigrations } from "./frontend.mjs";
import { variables, write } from "./recipes.mjs";
import { serveReady } from "./todoward.mjs";

export const PUBLIC = "https://app.example.com";
const DATABASE = `
  import Database from "libsql";
  import { SqliteDialect } from "kysely";
  export const database = {
    dialect: new SqliteDialect({ database: new Database(":memory:") }),
    type: "sqlite",
  };`;

export const local = (text, url) => text.replaceAll(PUBLIC, url);

/** Runs the frontend and the Todoward of a recipe; `map` replaces its addresses with the real ones. */
export async function run(t, recipe, map, more = {}) {
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
  // Without a database Better Auth keeps all in memory.
  if (auth.options.database) await (await getMigrations(auth.options)).runMigrations();
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
  return { app, auth, browser, directory, load, url };
}

const TODOWARD = /^(https:\/\/tasks\.example\.com|http:\/\/localhost:8080)/;

/**
 * Replaces `fetch` with that of a page in this browser: it sends cookies and an origin to the frontend, and
 * calls Todoward at its real address. `answer`, if it is set, responds in place of the frontend, or delays it.
 */
export function browserFetch(t, { app, browser, url }) {
  const real = globalThis.fetch;
  t.after(() => (globalThis.fetch = real));
  const page = { calls: { frontend: 0, todoward: 0 }, answer: undefined };
  globalThis.fetch = async (address, init) => {
    const request = new Request(address, init);
    if (TODOWARD.test(request.url)) {
      page.calls.todoward += 1;
      return real(new Request(request.url.replace(TODOWARD, app.url), request));
    }
    if (!request.url.startsWith(url)) return real(request);
    page.calls.frontend += 1;
    const headers = new Headers(request.headers);
    headers.set("origin", url);
    headers.set("cookie", browser.cookieHeader);
    const send = async () => {
      const response = await real(new Request(request, { headers }));
      browser.keep(response);
      return response;
    };
    return page.answer ? page.answer(send, new URL(request.url).pathname) : send();
  };
  return page;
}
