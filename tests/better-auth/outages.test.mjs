// A Better Auth server that is away, broken or hostile, at start and later.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, SECRET, startFrontend } from "./support/frontend.mjs";
import { FAULT_NAMES, startProxy } from "./support/proxy.mjs";
import { checkToken, serve, serveReady } from "./support/todoward.mjs";
import { eventually } from "./support/wait.mjs";

const UNAVAILABLE = "503 keys_unavailable: the keys could not be loaded yet; try again";

async function behindProxy(t) {
  const web = await startFrontend();
  t.after(() => web.stop());
  const proxy = await startProxy(t, web);
  const variables = {
    BETTER_AUTH_URL: web.baseUrl,
    JWKS_URL: proxy.url,
    BETTER_AUTH_SECRET: SECRET,
    // Fetched every second, so that a broken set comes while the test looks.
    TODOWARD__AUTH__JWKS_TTL: "1",
  };
  return { web, proxy, variables };
}

/** An HS256 token, whose key is a secret and needs no fetch. */
async function hs256(web) {
  const { SignJWT } = await import("jose");
  return new SignJWT({ sub: "hs" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(web.url)
    .setAudience(web.url)
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
}

test("without its frontend it starts, says 503 and never 401, and serves within 2 s of the frontend's start", async (t) => {
  const { web, proxy, variables } = await behindProxy(t);
  delete variables.BETTER_AUTH_SECRET;
  delete variables.TODOWARD__AUTH__JWKS_TTL;
  await proxy.down();
  const token = await (await web.signUp()).token();
  const app = await serve(t, variables);
  const answer = await app.tasks(token);
  assert.equal(answer.status, 503);
  assert.equal(answer.data.code, "keys_unavailable");
  assert.match(answer.headers.get("retry-after"), /^\d+$/);
  assert.equal(answer.headers.get("www-authenticate"), null);
  const ready = await app.ready();
  assert.equal(ready.status, 503);
  assert.equal(ready.data.code, "keys_unavailable");
  assert.deepEqual(ready.data.not_ready, ["keys"]);
  assert.equal((await app.request("GET", "/health/live")).status, 200);
  // The log has the address and the cause, once and not for each try.
  await app.logs(proxy.url);
  await app.logs("efused");
  const mentions = app.log.split("could not be fetched").length - 1;
  assert.equal(mentions, 1, app.log);
  // To refuse what is no token, no key is needed.
  assert.match(await app.says("abc"), /^401 malformed_token/);
  const checked = await checkToken(variables, token);
  assert.equal(checked.code, 1);
  assert.match(checked.out, /fetching {2}failed: http.*refused/i);
  assert.match(checked.out, /verdict {3}refused, keys_unavailable/);

  await proxy.up();
  const begun = Date.now();
  await eventually("the token is taken", async () => (await app.says(token)) === "200", 2_000);
  t.diagnostic(`taken ${Date.now() - begun} ms after the frontend's start`);
  assert.equal((await app.ready()).status, 200);
});

for (const fault of FAULT_NAMES) {
  test(`a key set that is broken from the start (${fault}): 503, until it is mended`, async (t) => {
    const { web, proxy, variables } = await behindProxy(t);
    const token = await (await web.signUp()).token();
    proxy.state.fault = fault;
    const app = await serve(t, variables);
    const shared = await hs256(web);
    assert.equal(await app.says(token), UNAVAILABLE);
    assert.equal(await app.says(shared), "200");
    assert.equal((await app.ready()).status, 200, "the secret is a key");
    await app.logs("could not be fetched");
    assert.equal(proxy.state.canary, 0, "a redirect was followed");
    proxy.state.fault = "pass";
    await eventually("it is taken", async () => (await app.says(token)) === "200", 5_000);
  });

  test(`a key set that breaks later (${fault}): the last good keys stay`, async (t) => {
    const { web, proxy, variables } = await behindProxy(t);
    const alice = await web.signUp();
    const [first, second] = [await alice.token(), await alice.token()];
    const app = await serveReady(t, variables);
    await eventually("the keys are there", async () => (await app.says(first)) === "200");
    proxy.state.fault = fault;
    const before = proxy.count;
    const shared = await hs256(web);
    let slowest = 0;
    let asked = 0;
    await eventually("two fetches have failed", async () => {
      for (const token of [first, second, await alice.token(), shared]) {
        const begun = Date.now();
        assert.equal(await app.says(token), "200");
        slowest = Math.max(slowest, Date.now() - begun);
        asked += 1;
      }
      assert.equal((await app.ready()).status, 200);
      return proxy.count >= before + 3;
    });
    t.diagnostic(`${asked} requests, the slowest ${slowest} ms`);
    // A token whose key is known does not wait for a fetch.
    assert.ok(slowest < 1_500, `${slowest} ms`);
    // A token with an unknown kid waits for the fetch, which has a time limit.
    const [, claims, signature] = first.split(".");
    const header = Buffer.from('{"alg":"EdDSA","kid":"made-up"}').toString("base64url");
    const begun = Date.now();
    assert.match(await app.says([header, claims, signature].join(".")), /^401 unknown_key/);
    assert.ok(Date.now() - begun < 6_000);
    assert.equal(proxy.state.canary, 0, "a redirect was followed");

    proxy.state.fault = "pass";
    web.rotate();
    const rotated = await alice.token();
    assert.notEqual(decode(rotated).header.kid, decode(first).header.kid);
    await eventually("the new key is there", async () => (await app.says(rotated)) === "200", 15_000);
  });
}

test("a frontend that goes away after the start: tokens go on, and new keys come when it is back", async (t) => {
  const { web, proxy, variables } = await behindProxy(t);
  const alice = await web.signUp();
  const token = await alice.token();
  const app = await serveReady(t, variables);
  await eventually("the keys are there", async () => (await app.says(token)) === "200");
  await proxy.down();
  await app.logs("could not be fetched");
  for (let i = 0; i < 20; i += 1) assert.equal(await app.says(await alice.token()), "200");
  assert.equal((await app.ready()).status, 200);
  await proxy.up();
  web.rotate();
  const rotated = await alice.token();
  await eventually("the new key is there", async () => (await app.says(rotated)) === "200", 15_000);
});

test("a cold start with a slow key set holds up nobody who does not need it", async (t) => {
  const { web, proxy, variables } = await behindProxy(t);
  proxy.state.fault = "delay";
  const token = await (await web.signUp()).token();
  const app = await serve(t, variables);
  const shared = await hs256(web);
  const waiting = Array.from({ length: 20 }, () => app.says(token));
  for (let i = 0; i < 20; i += 1) {
    const begun = Date.now();
    assert.equal(await app.says(shared), "200");
    assert.equal((await app.request("GET", "/health/live")).status, 200);
    assert.ok(Date.now() - begun < 1_000, "a worker was held up");
  }
  assert.deepEqual([...new Set(await Promise.all(waiting))], [UNAVAILABLE]);
});
