// Tokens of Better Auth that are not for the API, and what todoward says about each;
// and that keys of one source do not verify tokens of the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, SECRET, signWith, startFrontend } from "./support/frontend.mjs";
import { needs, since } from "./support/line.mjs";
import { startProxy } from "./support/proxy.mjs";
import { checkToken, serveReady } from "./support/todoward.mjs";

const NOT_A_JWT =
  "401 malformed_token: this is a Better Auth session token, not a JWT; get one with authClient.token()";
const COOKIE =
  "401 invalid_claims: this is Better Auth's session cookie, not an API token; get one with authClient.token()";
const ACCEPT = { TODOWARD__AUTH__ACCEPT_SESSION_COOKIE_TOKENS: "true" };

async function frontend(t, options) {
  const started = await startFrontend(options);
  t.after(() => started.stop());
  return started;
}

/** Starts a server. What it says about a token, `todoward check-token` must say, too. */
async function starts(t, variables) {
  const app = await serveReady(t, variables);
  return {
    app,
    async says(token) {
      const said = await app.says(token);
      const checked = await checkToken(variables, token);
      const verdict = checked.out.split("\n").find((line) => line.startsWith("verdict"));
      const expected =
        said === "200"
          ? /^verdict {3}taken: the owner is ".+", for another \d+ s$/
          : new RegExp(`^verdict {3}refused, ${said.slice(4).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
      assert.match(verdict, expected, checked.out + checked.err);
      assert.equal(checked.code, said === "200" ? 0 : 1);
      return said;
    },
  };
}

test("a token of Better Auth's default, a key pair, needs BETTER_AUTH_URL, and the refusal says so", async (t) => {
  // Many guides show these options. Better Auth ignores them.
  const web = await frontend(t, { jwt: { algorithm: "HS256", jwt: { alg: "HS256" } } });
  const token = await (await web.signUp()).token();
  assert.equal(decode(token).header.alg, "EdDSA");
  const { says } = await starts(t, { BETTER_AUTH_SECRET: SECRET });
  assert.equal(
    await says(token),
    "401 unsupported_algorithm: this server has only a shared secret, and the token is signed with a key pair: Better Auth ignores algorithm: 'HS256'; set BETTER_AUTH_URL here, or sign with the secret in jwt.sign",
  );
});

test("a token of a shared secret needs BETTER_AUTH_SECRET, and is refused without a fetch", async (t) => {
  const web = await frontend(t);
  const proxy = await startProxy(t, web);
  const hs = await frontend(t, { jwt: signWith(SECRET) });
  const token = await (await hs.signUp()).token();
  assert.equal(decode(token).header.alg, "HS256");
  const { app, says } = await starts(t, { BETTER_AUTH_URL: web.baseUrl, JWKS_URL: proxy.url });
  const before = proxy.count;
  for (let i = 0; i < 20; i += 1) {
    assert.equal(
      await app.says(token),
      "401 unsupported_algorithm: this server takes keys from BETTER_AUTH_URL, and the token is signed with a shared secret; set BETTER_AUTH_SECRET here, too, or drop jwt.sign in the frontend",
    );
  }
  assert.equal(proxy.count, before);
  await says(token);
});

test("the signer with the shared secret works, and its frontend has no key set", async (t) => {
  const web = await frontend(t, { jwt: signWith(SECRET) });
  const alice = await web.signUp();
  const { app, says } = await starts(t, { BETTER_AUTH_SECRET: SECRET });
  const token = await alice.token();
  assert.equal(await says(token), "200");
  const made = await app.create(token, "Buy milk");
  assert.equal(made.data.owner_id, alice.user.id);
  assert.equal((await fetch(`${web.url}${web.path}/jwks`)).status, 404);
  const { says: other } = await starts(t, { BETTER_AUTH_SECRET: `another ${SECRET}` });
  assert.equal(
    await other(token),
    "401 invalid_signature: the signature does not verify; the token was signed with another secret than BETTER_AUTH_SECRET here",
  );
});

test("both sources at once take both kinds, each with its own key", async (t) => {
  const web = await frontend(t);
  const hs = await frontend(t, {
    jwt: { ...signWith(SECRET), jwt: { ...signWith(SECRET).jwt, issuer: web.url, audience: web.url } },
  });
  const { says } = await starts(t, { BETTER_AUTH_URL: web.baseUrl, BETTER_AUTH_SECRET: SECRET });
  const pair = await (await web.signUp()).token();
  assert.equal(await says(pair), "200");
  assert.equal(await says(await (await hs.signUp()).token()), "200");
  // The kid of a key pair with the algorithm of a secret, and the reverse.
  const part = (header) => Buffer.from(JSON.stringify(header)).toString("base64url");
  const [, claims, signature] = pair.split(".");
  const { kid } = decode(pair).header;
  const confused = [part({ alg: "HS256", kid }), claims, signature].join(".");
  assert.match(await says(confused), /^401 invalid_signature/);
  const none = [part({ alg: "none" }), claims, ""].join(".");
  assert.match(await says(none), /^401 unsupported_algorithm/);
});

test("the token in an e-mail verification link is refused, though the secret is right", async (t) => {
  const web = await frontend(t, { jwt: signWith(SECRET) });
  await web.signUp();
  const [{ token }] = web.mails;
  assert.equal(decode(token).header.alg, "HS256");
  const { says } = await starts(t, { BETTER_AUTH_SECRET: SECRET, ...ACCEPT });
  // Newer releases name the user in it, so it looks like a token that somebody has signed without sub.
  const said = decode(token).claims.userId
    ? "401 invalid_claims: the token has no sub: it is a Better Auth e-mail verification token, or was signed without it; get a token with authClient.token(), or set sub to the user's id when you sign it yourself"
    : "401 invalid_claims: this is a Better Auth e-mail verification token, not an API token; get one with authClient.token()";
  assert.equal("userId" in decode(token).claims, since("1.7"));
  assert.equal(await says(token), said);
  const both = { BETTER_AUTH_URL: web.baseUrl, BETTER_AUTH_SECRET: SECRET };
  const { says: strict } = await starts(t, both);
  assert.equal(await strict(token), said);
});

test("session tokens of the bearer plugin are no JWTs, and the refusal says what to send", async (t) => {
  const web = await frontend(t, { bearer: true });
  const browser = web.browser();
  await browser.signUp("alice");
  const { headers } = await browser.call("POST", "/sign-in/email", {
    email: browser.user.email,
    password: "correct horse battery",
  });
  const { says } = await starts(t, { BETTER_AUTH_URL: web.baseUrl, BETTER_AUTH_SECRET: SECRET });
  const signed = headers.get("set-auth-token");
  const inCookie = browser.cookies.get("better-auth.session_token");
  for (const token of [browser.sessionToken, signed, decodeURIComponent(signed), inCookie]) {
    assert.equal(await says(token), NOT_A_JWT);
  }
});

for (const [strategy, said] of [
  [
    "jwe",
    "401 malformed_token: this is an encrypted token (JWE): the cookie cache's strategy is \"jwe\"; get a JWT with authClient.token()",
  ],
  [
    "compact",
    "401 malformed_token: this is Better Auth's session cookie of the strategy \"compact\", not a JWT; get one with authClient.token()",
  ],
]) {
  test(`the session cookie of the strategy "${strategy}" is no JWT, and the refusal says so`, async (t) => {
    const web = await frontend(t, { cookieCache: strategy });
    const alice = await web.signUp();
    const variables = { BETTER_AUTH_URL: web.baseUrl, BETTER_AUTH_SECRET: SECRET, ...ACCEPT };
    const { says } = await starts(t, variables);
    assert.equal(await says(alice.sessionData), said);
    assert.equal(await says(await alice.token()), "200");
  });
}

test("a session cookie that is a JWT of the secret is refused, and taken by option", async (t) => {
  const web = await frontend(t, { cookieCache: "jwt" });
  const alice = await web.signUp();
  const cookie = alice.sessionData;
  assert.deepEqual(decode(cookie).header, { alg: "HS256" });
  for (const keys of [
    { BETTER_AUTH_SECRET: SECRET },
    // Here other tokens must name issuer and audience. The cookie never names them.
    { BETTER_AUTH_SECRET: SECRET, BETTER_AUTH_URL: web.baseUrl },
  ]) {
    const refusing = await starts(t, keys);
    assert.equal(await refusing.says(cookie), COOKIE);
    const taking = await starts(t, { ...keys, ...ACCEPT });
    assert.equal(await taking.says(cookie), "200");
    const made = await taking.app.create(cookie, "Buy milk");
    assert.equal(made.data.owner_id, alice.user.id);
  }
  // Only as a bearer token, never as a cookie.
  const { app } = await starts(t, { BETTER_AUTH_SECRET: SECRET, ...ACCEPT });
  const headers = { cookie: alice.cookieHeader };
  const answer = await fetch(`${app.url}/api/v1/tasks`, { headers });
  assert.equal((await answer.json()).code, "missing_token");
});

test("a session cookie that is signed with a key pair is refused, and taken by option", needs("1.7"), async (t) => {
  const web = await frontend(t, { cookieCache: "jwt", jwt: { sessionCookieCache: true } });
  const alice = await web.signUp();
  const cookie = alice.sessionData;
  assert.equal(decode(cookie).header.typ, "better-auth.session-cache+jwt");
  const keys = { BETTER_AUTH_URL: web.baseUrl };
  const refusing = await starts(t, keys);
  assert.equal(await refusing.says(cookie), COOKIE);
  const taking = await starts(t, { ...keys, ...ACCEPT });
  assert.equal(await taking.says(cookie), "200");
  const token = await alice.token();
  assert.equal(await taking.says(token), "200");
  const made = await taking.app.create(cookie, "Buy milk");
  assert.equal(made.data.owner_id, alice.user.id);
  assert.equal((await taking.app.tasks(token)).data.items.length, 1, "one owner, by either");
  // Where another issuer is expected, the cookie is refused, although its key is right.
  const elsewhere = await starts(t, { ...keys, ...ACCEPT, TODOWARD__AUTH__ISSUERS: "https://a.example" });
  assert.match(await elsewhere.says(cookie), /^401 invalid_claims: .*another issuer/);
});

test("a cookie names the frontend's address as issuer, also where API tokens name another", needs("1.7"), async (t) => {
  const issuer = "https://issuer.example";
  const jwt = { sessionCookieCache: true, jwt: { issuer } };
  const web = await frontend(t, { cookieCache: "jwt", jwt });
  const alice = await web.signUp();
  assert.equal(decode(alice.sessionData).claims.iss, web.url);
  const { says } = await starts(t, {
    BETTER_AUTH_URL: web.baseUrl,
    TODOWARD__AUTH__ISSUERS: `${issuer},${web.url}`,
    ...ACCEPT,
  });
  assert.equal(await says(await alice.token()), "200");
  assert.equal(await says(alice.sessionData), "200");
});

test("check-token shows header, claims, the key, and what is expected", async (t) => {
  const web = await frontend(t);
  const token = await (await web.signUp()).token();
  const wrong = { BETTER_AUTH_URL: web.baseUrl, TODOWARD__AUTH__ISSUERS: "https://a.example" };
  const { code, out, err } = await checkToken(wrong, `Authorization: Bearer ${token}\n`);
  assert.equal(code, 1);
  assert.equal(err, "");
  const { header, claims } = decode(token);
  for (const line of [
    `"kid":"${header.kid}"`,
    `"iss":"${claims.iss}"`,
    `key       the public key of its kid, from ${web.url}/api/auth/jwks`,
    "expected  iss https://a.example",
    `expected  aud ${web.url}`,
    "verdict   refused, invalid_claims: the token is of another issuer (iss)",
  ]) {
    assert.ok(out.includes(line), `${line} is not in\n${out}`);
  }
  assert.ok(!out.includes(token));
});
