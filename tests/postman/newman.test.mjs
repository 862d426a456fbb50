// The collection against the real binary, on both databases, with tokens that
// are pasted and with tokens of the real Better Auth, twice each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startFrontend } from "../better-auth/support/frontend.mjs";
import { postgres } from "../better-auth/support/postgres.mjs";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { GENERAL, collection, requests, run } from "./support/collection.mjs";
import { ORIGIN, SECRET, expired, pasted } from "./support/tokens.mjs";

/** Checks that all requests but `skipped` were sent, and that each assertion held. */
function check({ failures, seen, figures }, skipped = []) {
  assert.deepEqual(failures, []);
  const unsent = requests().filter(({ item }) => seen.get(item.id).sent === 0);
  assert.deepEqual(unsent.map(({ item }) => item.name), skipped);
  for (const { path, item } of requests()) {
    const { sent, assertions } = seen.get(item.id);
    const own = assertions.filter((name) => !name.startsWith(GENERAL));
    assert.ok(sent === 0 || own.length > 0, `${path}: asserts nothing of its own`);
    if (sent && item.request.url.host[0] === "{{base_url}}") {
      assert.ok(assertions.length > own.length, `${path}: nothing was asserted of every answer`);
    }
  }
  assert.ok(figures.assertions.total > 4 * requests().length);
}

const AT_BETTER_AUTH = ["Sign up at Better Auth", "Get a token from Better Auth"];
const settings = { TODOWARD__CORS__ALLOWED_ORIGINS: ORIGIN };

/** The settings of a new database: none for SQLite, which the server has by default. */
const database = async (t, kind) => (kind === "SQLite" ? {} : { DATABASE_URL: await postgres(t) });

async function frontend(t, options) {
  const server = await startFrontend(options);
  t.after(() => server.stop());
  return server;
}

for (const kind of ["SQLite", "PostgreSQL"]) {
  test(`with pasted tokens, on ${kind}`, async (t) => {
    const variables = { ...(await database(t, kind)), ...settings, BETTER_AUTH_SECRET: SECRET };
    const server = await serveReady(t, variables);
    const values = { base_url: server.url, origin: ORIGIN, ...pasted(), expired_token: await expired() };
    for (const time of ["first", "second"]) {
      await t.test(`for the ${time} time`, async () => check(await run(values), AT_BETTER_AUTH));
    }
  });

  test(`with tokens of Better Auth, on ${kind}`, async (t) => {
    const better = await frontend(t);
    const variables = { ...(await database(t, kind)), ...settings, BETTER_AUTH_URL: better.baseUrl };
    const server = await serveReady(t, variables);
    const past = Math.floor(Date.now() / 1000) - 3600;
    const values = {
      base_url: server.url,
      origin: ORIGIN,
      better_auth_url: better.baseUrl,
      expired_token: await better.sign({ sub: "carol", iat: past - 900, exp: past }),
    };
    await t.test("of users that it signs up", async () => check(await run(values)));
    const [ann, bob] = [await better.signUp("ann"), await better.signUp("bob")];
    const accounts = {
      email: ann.user.email,
      password: "correct horse battery",
      email2: bob.user.email,
      password2: "correct horse battery",
    };
    await t.test("of users that are there, again", async () => {
      check(await run({ ...values, ...accounts }));
      const owners = better.database.prepare("select count(*) as n from session where userId in (?, ?)");
      assert.equal(owners.get(ann.user.id, bob.user.id).n, 4);
    });
  });
}

test("with pasted tokens, for a server with BETTER_AUTH_URL that the command is given as well", async (t) => {
  const better = await frontend(t);
  const trusted = { BETTER_AUTH_URL: better.baseUrl };
  const server = await serveReady(t, { ...settings, ...trusted, BETTER_AUTH_SECRET: SECRET });
  const values = { base_url: server.url, origin: ORIGIN, expired_token: await expired() };
  check(await run({ ...values, ...pasted(trusted) }), AT_BETTER_AUTH);
  const { failures } = await run({ ...values, ...pasted() }, { folder: "1 Create" });
  assert.notDeepEqual(failures, []);
});

test("a token is got anew before it expires", async (t) => {
  const better = await frontend(t, { jwt: { jwt: { expirationTime: "30s" } } });
  const server = await serveReady(t, { ...settings, BETTER_AUTH_URL: better.baseUrl });
  const values = { base_url: server.url, better_auth_url: better.baseUrl };
  const { failures, figures } = await run(values, { folder: "1 Create" });
  assert.deepEqual(failures, []);
  const sent = figures.items.total;
  assert.ok(sent > 1);
  const { n } = better.database.prepare("select count(*) as n from session").get();
  assert.equal(n, 2 * sent);
});

test("without a token it says what to set", async (t) => {
  const server = await serveReady(t, { ...settings, BETTER_AUTH_SECRET: SECRET });
  const { failures } = await run({ base_url: server.url }, { folder: "1 Create" });
  assert.match(failures.join("\n"), /set token, or better_auth_url, in the environment/);
});

test("an answer that is not as it should be fails", async (t) => {
  const server = await serveReady(t, { BETTER_AUTH_SECRET: SECRET });
  const values = { base_url: server.url, origin: ORIGIN, ...pasted(), expired_token: await expired() };
  const { failures } = await run(values);
  const folders = new Set(failures.map((line) => line.split(" / ")[0]));
  // This server allows no origin, so the folder CORS fails, and no other.
  assert.deepEqual([...folders], [collection.item[10].name]);
});
