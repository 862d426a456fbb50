// Keys and secrets that change while requests go on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { decode, SECRET, signWith, startFrontend } from "./support/frontend.mjs";
import { needs } from "./support/line.mjs";
import { startProxy } from "./support/proxy.mjs";
import { checkToken, serveReady } from "./support/todoward.mjs";
import { eventually } from "./support/wait.mjs";

/** ROTATIONS=12 ROTATION_SECONDS=5 is the long form: a minute. */
const ROTATIONS = Number(process.env.ROTATIONS ?? 4);
const SECONDS = Number(process.env.ROTATION_SECONDS ?? 2);

async function frontend(t, options) {
  const started = await startFrontend(options);
  t.after(() => started.stop());
  return started;
}

async function behindProxy(t, options) {
  const web = await frontend(t, options);
  const proxy = await startProxy(t, web);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl, JWKS_URL: proxy.url });
  return { web, proxy, app };
}

test(`${ROTATIONS} rotations under load, one in ${SECONDS} s, cost no valid token`, async (t) => {
  const { web, proxy, app } = await behindProxy(t);
  const users = [];
  for (let i = 0; i < 4; i += 1) users.push(await web.signUp(`user${i}`));
  const end = Date.now() + ROTATIONS * SECONDS * 1000;
  const kids = new Set();
  const refused = [];
  let requests = 0;
  const use = async (user) => {
    const old = [];
    while (Date.now() < end) {
      // A new token at once, and earlier ones, of older keys.
      const token = await user.token();
      kids.add(decode(token).header.kid);
      old.push(token);
      for (const one of [token, token, ...old.slice(-20)]) {
        requests += 1;
        const said = await app.says(one);
        if (said !== "200") refused.push(said);
      }
    }
  };
  const rotate = async () => {
    for (let i = 0; i < ROTATIONS; i += 1) {
      web.rotate();
      await sleep(SECONDS * 1000);
    }
  };
  await Promise.all([rotate(), ...users.flatMap((user) => [use(user), use(user)])]);
  t.diagnostic(`${requests} requests, ${kids.size} keys, ${proxy.count} fetches`);
  assert.deepEqual(refused, []);
  assert.ok(kids.size > ROTATIONS, `${kids.size} keys`);
  // One at the start, one for each key, and as many that found nothing new.
  assert.ok(proxy.count <= 1 + 2 * kids.size, `${proxy.count} fetches for ${kids.size} keys`);
});

test("a thousand tokens of a new key, seen for the first time and at once, cost one fetch", async (t) => {
  const { web, proxy, app } = await behindProxy(t);
  const alice = await web.signUp();
  await alice.token();
  web.rotate();
  const first = decode(await alice.token()).header.kid;
  const exp = Math.floor(Date.now() / 1000) + 900;
  const tokens = [];
  for (let i = 0; i < 1000; i += 1) tokens.push(await web.sign({ sub: `user ${i}`, exp }));
  assert.ok(tokens.every((token) => decode(token).header.kid === first));
  const before = proxy.count;
  const said = await Promise.all(tokens.map((token) => app.says(token)));
  assert.deepEqual([...new Set(said)], ["200"]);
  assert.equal(proxy.count - before, 1);
});

test("a rotation while an older set is on its way costs no token, and neither does the next", async (t) => {
  const { web, proxy } = await behindProxy(t);
  // Several workers, so that requests ask for keys at the same time.
  const app = await serveReady(t, {
    BETTER_AUTH_URL: web.baseUrl,
    JWKS_URL: proxy.url,
    TODOWARD__AUTH__JWKS_TTL: "1",
    TODOWARD__SERVER__WORKERS: "4",
  });
  const alice = await web.signUp();
  assert.equal(await app.says(await alice.token()), "200");
  const sent = (token) => Promise.all(Array.from({ length: 300 }, () => app.says(token)));
  proxy.state.fault = "late";
  const before = proxy.count;
  await eventually("the next scheduled fetch has begun", () => proxy.count > before);
  // Now the fetch gets its keys, but its response takes a second.
  await sleep(200);
  web.rotate();
  const early = sent(await alice.token());
  proxy.state.fault = "pass";
  assert.deepEqual([...new Set(await early)], ["200"]);
  assert.ok(proxy.count - before <= 3, `${proxy.count - before} fetches`);
  web.rotate();
  assert.deepEqual([...new Set(await sent(await alice.token()))], ["200"]);
});

test("made-up kids cause one fetch in ten seconds, and are refused", async (t) => {
  const { web, proxy, app } = await behindProxy(t);
  const token = await (await web.signUp()).token();
  assert.equal(await app.says(token), "200");
  const before = proxy.count;
  const [, claims, signature] = token.split(".");
  const made = (i) => {
    const header = JSON.stringify({ alg: "EdDSA", kid: `made-up-${i}` });
    return [Buffer.from(header).toString("base64url"), claims, signature].join(".");
  };
  const begun = Date.now();
  let sent = 0;
  while (Date.now() - begun < 5_000) {
    const wave = Array.from({ length: 50 }, () => app.says(made((sent += 1))));
    const said = new Set(await Promise.all([...wave, app.says(token).then((one) => `valid ${one}`)]));
    assert.deepEqual([...said].sort(), [
      "401 unknown_key: no key of BETTER_AUTH_URL has the token's kid; get a new token, and check that it comes from there",
      "valid 200",
    ]);
  }
  t.diagnostic(`${sent} made-up kids, ${proxy.count - before} fetches`);
  assert.equal(proxy.count - before, 1);
});

test("keys that the frontend has dropped stop verifying with the next set", async (t) => {
  const web = await frontend(t);
  const app = await serveReady(t, {
    BETTER_AUTH_URL: web.baseUrl,
    TODOWARD__AUTH__JWKS_TTL: "1",
  });
  const alice = await web.signUp();
  const old = await alice.token();
  assert.equal(await app.says(old), "200");
  web.dropKeys();
  const fresh = await alice.token();
  assert.equal(await app.says(fresh), "200");
  // It was remembered as verified, which must end with its key.
  await eventually("the old token is refused", async () => (await app.says(old)).startsWith("401 unknown_key"));
});

test("a set that is empty because nothing was signed for long takes no keys away", async (t) => {
  const web = await frontend(t, { jwt: { jwks: { gracePeriod: 0 } } });
  const proxy = await startProxy(t, web);
  const app = await serveReady(t, {
    BETTER_AUTH_URL: web.baseUrl,
    JWKS_URL: proxy.url,
    TODOWARD__AUTH__JWKS_TTL: "1",
  });
  const alice = await web.signUp();
  const old = await alice.token();
  assert.equal(await app.says(old), "200");
  web.rotate();
  const set = await (await fetch(`${web.url}${web.path}/jwks`)).json();
  assert.deepEqual(set, { keys: [] });
  await app.logs("it has no usable key");
  assert.equal(await app.says(old), "200");
  const fresh = await alice.token();
  await eventually("the new key is there", async () => (await app.says(fresh)) === "200", 15_000);
});

test("with the cookie cache on, a deleted session still gets tokens", async (t) => {
  const web = await frontend(t, { cookieCache: "jwt" });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const alice = await web.signUp();
  web.database.prepare("delete from session").run();
  assert.equal(await app.says(await alice.token()), "200");
});

test("a secret is rotated with BETTER_AUTH_SECRETS, here first, and no token is refused", async (t) => {
  const [old, fresh] = [SECRET, "w9XbT4kqL2hYzR7mVn0pCeJ8sAd5uGf6-the-new-one"];
  const before = await frontend(t, { secrets: `1:${old}`, jwt: signWith(old) });
  const hers = await (await before.signUp()).token();
  // Better Auth trims the secret behind the colon, too.
  const both = { BETTER_AUTH_SECRETS: `2: ${fresh} , 1:${old}` };
  const app = await serveReady(t, both);
  assert.equal(await app.says(hers), "200");
  const after = await frontend(t, { secrets: `2: ${fresh} , 1:${old}`, jwt: signWith(fresh) });
  const his = await (await after.signUp()).token();
  assert.equal(await app.says(his), "200");
  assert.equal(await app.says(hers), "200");
  const later = await serveReady(t, { BETTER_AUTH_SECRETS: `2:${fresh}` });
  assert.equal(await later.says(his), "200");
  assert.match(await later.says(hers), /^401 invalid_signature: .*another secret/);
  assert.equal((await checkToken(both, hers)).code, 0);
});

test("BETTER_AUTH_SECRETS rotate what Better Auth signs itself: the cookie", needs("1.5"), async (t) => {
  const fresh = "w9XbT4kqL2hYzR7mVn0pCeJ8sAd5uGf6-the-new-one";
  const secrets = `2: ${fresh} , 1:${SECRET}`;
  const web = await frontend(t, { secrets, cookieCache: "jwt", jwt: null });
  const alice = await web.signUp();
  const accept = { TODOWARD__AUTH__ACCEPT_SESSION_COOKIE_TOKENS: "true" };
  const app = await serveReady(t, { BETTER_AUTH_SECRETS: secrets, ...accept });
  assert.equal(await app.says(alice.sessionData), "200");
  const old = await serveReady(t, { BETTER_AUTH_SECRET: SECRET, ...accept });
  assert.match(await old.says(alice.sessionData), /^401 invalid_signature/);
});

test("a new secret without the old one ends new tokens there, and not the old ones here", async (t) => {
  const { web, app } = await behindProxy(t);
  const alice = await web.signUp();
  const token = await alice.token();
  await web.stop();
  const moved = await startFrontend({
    port: web.port,
    database: web.database,
    secret: "w9XbT4kqL2hYzR7mVn0pCeJ8sAd5uGf6-the-new-one",
  });
  t.after(() => moved.stop());
  assert.equal(await app.says(token), "200");
  const later = await moved.signUp("later");
  await assert.rejects(later.token(), /500/);
  assert.equal(await app.says(token), "200");
});
