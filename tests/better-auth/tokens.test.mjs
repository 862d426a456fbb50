// From sign-up to tasks, with every algorithm and address that Better Auth has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, SECRET, signWith, startFrontend } from "./support/frontend.mjs";
import { needs } from "./support/line.mjs";
import { postgres } from "./support/postgres.mjs";
import { serve, serveReady } from "./support/todoward.mjs";

async function frontend(t, options) {
  const started = await startFrontend(options);
  t.after(() => started.stop());
  return started;
}

async function aUserKeepsTasks(app, browser) {
  const token = await browser.token();
  assert.equal(decode(token).claims.sub, browser.user.id);
  const made = await app.create(token, "Buy milk");
  assert.equal(made.status, 201, JSON.stringify(made.data));
  assert.equal(made.data.owner_id, browser.user.id);
  const path = `/api/v1/tasks/${made.data.id}`;
  const done = await app.request("PATCH", `${path}/complete`, token);
  assert.equal(done.data.completed, true);
  // Another token of the same user has the same owner.
  const again = await browser.token();
  const list = await app.tasks(again);
  assert.deepEqual(list.data.items?.map((task) => task.id) ?? list.data, [made.data.id]);
  return { token, path };
}

for (const database of ["SQLite", "PostgreSQL"]) {
  test(`on ${database} two users sign up, get tokens and see only their own tasks`, async (t) => {
    const web = await frontend(t);
    const variables = { BETTER_AUTH_URL: web.baseUrl };
    if (database === "PostgreSQL") variables.DATABASE_URL = await postgres(t);
    const app = await serveReady(t, variables);
    const [alice, bob] = [await web.signUp("alice"), await web.signUp("bob")];
    const hers = await aUserKeepsTasks(app, alice);
    const his = await aUserKeepsTasks(app, bob);
    for (const [token, path] of [
      [his.token, hers.path],
      [hers.token, his.path],
    ]) {
      assert.equal((await app.request("GET", path, token)).data.code, "not_owner");
      assert.equal((await app.request("DELETE", path, token)).data.code, "not_owner");
    }
    const foreign = `/api/v1/users/${alice.user.id}/tasks`;
    assert.equal((await app.request("GET", foreign, his.token)).data.code, "foreign_path");
    assert.equal((await app.request("GET", foreign, hers.token)).status, 200);
    assert.equal((await app.request("DELETE", his.path, his.token)).status, 204);
    assert.equal((await app.request("GET", hers.path, hers.token)).status, 200);
  });
}

const ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "ES384", "ES512", "RS256", "RS512", "PS256"];
for (const alg of ALGORITHMS) {
  test(`a token signed with ${alg} is taken`, async (t) => {
    const web = await frontend(t, { jwt: { jwks: { keyPairConfig: { alg } } } });
    const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
    const alice = await web.signUp();
    const { token } = await aUserKeepsTasks(app, alice);
    assert.equal(decode(token).header.alg, alg);
    const [header, claims, signature] = token.split(".");
    const other = signature.startsWith("A") ? "B" : "A";
    const forged = [header, claims, other + signature.slice(1)].join(".");
    assert.match(await app.says(forged), /^401 invalid_signature/);
  });
}

for (const alg of ["RS384", "PS384", "PS512"]) {
  test(`a token signed with ${alg}, which is not taken, is refused by name`, async (t) => {
    const web = await frontend(t, { jwt: { jwks: { keyPairConfig: { alg } } } });
    const app = await serve(t, { BETTER_AUTH_URL: web.baseUrl });
    const token = await (await web.signUp()).token();
    assert.equal(
      await app.says(token),
      "401 unsupported_algorithm: RS384, PS384 and PS512 are not accepted; use EdDSA, ES256, RS256 or PS256",
    );
    await app.logs("its alg is not one that such a key is used with here");
  });
}

test("the token that get-session sends in a header is taken too", async (t) => {
  const web = await frontend(t);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const { headers } = await (await web.signUp()).call("GET", "/get-session");
  assert.equal(await app.says(headers.get("set-auth-jwt")), "200");
});

const ADDRESSES = {
  "as it is": (port) => `http://127.0.0.1:${port}`,
  "with a trailing slash": (port) => `http://127.0.0.1:${port}/`,
  "with the usual path": (port) => `http://127.0.0.1:${port}/api/auth`,
  "with a path of its own": (port) => `http://127.0.0.1:${port}/x/auth`,
  "with a path and a slash": (port) => `http://127.0.0.1:${port}/x/auth/`,
  "in upper case": (port) => `HTTP://LOCALHOST:${port}/`,
};
for (const [how, baseUrl] of Object.entries(ADDRESSES)) {
  // Earlier releases do not serve under such an address themselves.
  const options = how === "with a path and a slash" ? needs("1.5") : {};
  test(`BETTER_AUTH_URL ${how} means the same here and there`, options, async (t) => {
    const web = await frontend(t, { baseUrl });
    const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
    await aUserKeepsTasks(app, await web.signUp());
  });
}

test("user ids of any form are taken as they are", async (t) => {
  const getSubject = ({ user }) => `Ünï|${user.id}`;
  const web = await frontend(t, { jwt: { jwt: { getSubject } } });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  const made = await app.create(await alice.token(), "Buy milk");
  assert.equal(made.data.owner_id, `Ünï|${alice.user.id}`);
});

test("issuer and audience are checked: another one is refused, one of a list is taken", async (t) => {
  const issuer = "https://issuer.example";
  const audience = ["https://one.example", "https://two.example"];
  const web = await frontend(t, { jwt: { jwt: { issuer, audience } } });
  const token = await (await web.signUp()).token();
  const url = { BETTER_AUTH_URL: web.baseUrl };
  const derived = await serveReady(t, url);
  assert.equal(
    await derived.says(token),
    "401 invalid_claims: the token is of another issuer (iss)",
  );
  await derived.logs("a token of another issuer was refused");
  assert.match(derived.log, /issuer\.example/);
  const half = await serveReady(t, { ...url, TODOWARD__AUTH__ISSUERS: issuer });
  assert.equal(
    await half.says(token),
    "401 invalid_claims: the token is for another audience (aud)",
  );
  const right = await serveReady(t, {
    ...url,
    TODOWARD__AUTH__ISSUERS: `https://old.example,${issuer}`,
    TODOWARD__AUTH__AUDIENCES: audience[1],
  });
  assert.equal(await right.says(token), "200");
});

test("issuer and audience are checked on HS256 tokens too", async (t) => {
  const web = await frontend(t, { jwt: signWith(SECRET) });
  const token = await (await web.signUp()).token();
  const secret = { BETTER_AUTH_SECRET: SECRET };
  const wrong = await serveReady(t, { ...secret, TODOWARD__AUTH__ISSUERS: "https://a.example" });
  assert.match(await wrong.says(token), /^401 invalid_claims: .*another issuer/);
  const right = await serveReady(t, {
    ...secret,
    TODOWARD__AUTH__ISSUERS: web.url,
    TODOWARD__AUTH__AUDIENCES: web.url,
  });
  assert.equal(await right.says(token), "200");
});

test("a frontend that does not know its address: good over HTTP, an empty issuer from a server component", needs("1.6"), async (t) => {
  const web = await frontend(t, { baseUrl: null });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.url });
  const alice = await web.signUp();
  assert.equal(await app.says(await alice.token()), "200");
  const headers = new Headers({ cookie: alice.cookieHeader });
  const { token } = await web.auth.api.getToken({ headers });
  assert.equal(decode(token).claims.iss, "");
  assert.equal(
    await app.says(token),
    "401 invalid_claims: iss is empty: set BETTER_AUTH_URL in the frontend",
  );
});

test("a frontend that knows its address gives server components good tokens", async (t) => {
  const web = await frontend(t);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  const headers = new Headers({ cookie: alice.cookieHeader });
  const { token } = await web.auth.api.getToken({ headers });
  assert.equal(await app.says(token), "200");
});

test("expirationTime as a number is a time in 1970, and the refusal says so", async (t) => {
  const app = {};
  for (const [expirationTime, said] of [
    [3600, /^401 token_expired: .*expirationTime as a number is an absolute time; write it as "1h"/],
    ["1h", /^200$/],
  ]) {
    const web = await frontend(t, { jwt: { jwt: { expirationTime } } });
    app.server = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
    assert.match(await app.server.says(await (await web.signUp()).token()), said);
  }
});

test("expirationTime in milliseconds would make a token that never ends, and the refusal says so", async (t) => {
  const expirationTime = Date.now() + 900_000;
  const web = await frontend(t, { jwt: { jwt: { expirationTime } } });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  assert.match(
    await app.says(await (await web.signUp()).token()),
    /^401 invalid_claims: exp is after the year 9999 and looks like milliseconds; .*expirationTime a text like "15m"$/,
  );
});

test("a picture in the token makes it too long, and the refusal says what to leave out", async (t) => {
  const picture = ({ user }) => ({ ...user, image: "x".repeat(17_000) });
  const web = await frontend(t, { jwt: { jwt: { definePayload: picture } } });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  assert.match(await app.says(await (await web.signUp()).token()), /^401 malformed_token: .*definePayload/);
  const without = ({ user: { image: _, ...user } }) => user;
  const other = await frontend(t, { jwt: { jwt: { definePayload: without } } });
  const small = await serveReady(t, { BETTER_AUTH_URL: other.baseUrl });
  assert.equal(await small.says(await (await other.signUp()).token()), "200");
});

test("a subject that follows the e-mail address loses the tasks with the address", async (t) => {
  const web = await frontend(t, { jwt: { jwt: { getSubject: ({ user }) => user.email } } });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  await app.create(await alice.token(), "Buy milk");
  web.database.prepare("update user set email = ? where id = ?").run("new@example.com", alice.user.id);
  const after = await app.tasks(await alice.token());
  assert.deepEqual(after.data.items, []);
});

test("a token signed by hand needs a subject", async (t) => {
  const web = await frontend(t);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  assert.equal(
    await app.says(await web.sign({ scope: "tasks" })),
    "401 invalid_claims: the token has no sub; get a token with authClient.token(), or set sub to the user's id when you sign it yourself",
  );
  assert.equal(await app.says(await web.sign({ sub: alice.user.id })), "200");
  const exp = Math.floor(Date.now() / 1000) - 60;
  const iat = exp - 60;
  assert.match(await app.says(await web.sign({ sub: "a", iat, exp })), /^401 token_expired/);
});

test("a log-out does not end a token that is out", async (t) => {
  const web = await frontend(t);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  const token = await alice.token();
  await alice.signOut();
  await assert.rejects(alice.token(), /401/);
  assert.equal(await app.says(token), "200");
});
