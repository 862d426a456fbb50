import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenSource } from "../lib/token-source.ts";

const TOKEN = `.${btoa(JSON.stringify({ sub: "ann", exp: Date.now() / 1000 + 900 }))}.`;

/** Better Auth's endpoint, whose responses wait until they are given. */
function endpoint() {
  const asked: ((response: Response) => void)[] = [];
  globalThis.fetch = () => new Promise((respond) => asked.push(respond));
  return {
    get count() {
      return asked.length;
    },
    refuse: (at: number) => asked[at]?.(new Response(null, { status: 401 })),
    give: (at: number) => asked[at]?.(Response.json({ token: TOKEN })),
  };
}

const source = () => new TokenSource("ann", () => assert.fail("nobody else has signed in"));

test("who asks at the same time shares one request", async () => {
  const better = endpoint();
  const tokens = source();
  const both = Promise.all([tokens.get(false), tokens.get(true)]);
  better.give(0);
  assert.deepEqual(await both, [TOKEN, TOKEN]);
  assert.equal(better.count, 1);
  assert.equal(await tokens.get(false), TOKEN);
  assert.equal(better.count, 1);
});

test("a refusal that was on its way when the user signed in again is not believed", async () => {
  const better = endpoint();
  const tokens = source();
  const first = tokens.get(false);
  tokens.forget();
  const second = tokens.get(false);
  better.refuse(0);
  better.give(1);
  assert.equal(await second, TOKEN);
  assert.equal(await first, TOKEN);
  assert.equal(better.count, 2);
});

test("who is signed out gets no token, and asks anew the next time", async () => {
  const better = endpoint();
  const tokens = source();
  const first = tokens.get(false);
  better.refuse(0);
  assert.equal(await first, null);
  const second = tokens.get(false);
  better.give(1);
  assert.equal(await second, TOKEN);
});
