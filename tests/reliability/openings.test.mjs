// A database that takes connections and signs in, and then says nothing.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { eventually } from "../better-auth/support/wait.mjs";
import { Cluster } from "./support/cluster.mjs";
import { number, table } from "./support/programs.mjs";
import { SERVED, todoward } from "./support/servers.mjs";

/** The first bytes of the messages that carry statements: Query and Parse. */
const STATEMENTS = [0x51, 0x50];

/** A proxy before a server. While `mutes` is true, it swallows the statements of new connections for good. */
async function muter(t, port) {
  const proxy = { mutes: false, muted: 0, sockets: new Set() };
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    const mutes = proxy.mutes;
    let silent = false;
    proxy.sockets.add(client);
    client.on("data", (bytes) => {
      if (mutes && !silent && STATEMENTS.includes(bytes[0])) {
        silent = true;
        proxy.muted += 1;
      }
      if (!silent) upstream.write(bytes);
    });
    upstream.on("data", (bytes) => client.write(bytes));
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      one.on("close", () => other.destroy());
      one.on("error", () => other.destroy());
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  proxy.port = server.address().port;
  proxy.cut = () => proxy.sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    proxy.cut();
    return new Promise((done) => server.close(done));
  });
  return proxy;
}

test("connections that hang while they are opened hold nothing up, and new ones are opened beside them", async (t) => {
  const cluster = await Cluster.start(t);
  const proxy = await muter(t, cluster.port);
  const server = await todoward(t, `postgres://postgres@127.0.0.1:${proxy.port}/postgres`);
  await server.becomesReady();
  const { id } = (await server.create("before")).data;

  proxy.mutes = true;
  proxy.cut();
  const until = performance.now() + number("MUTE_SECONDS", 8) * 1000;
  let slowest = 0;
  while (performance.now() < until) {
    const [answer, { seconds, ...served }] = await Promise.all([
      server.create("during"),
      server.withoutDatabase(),
    ]);
    assert.equal(answer.status, 503);
    assert.deepEqual(served, SERVED);
    slowest = Math.max(slowest, seconds);
  }
  assert.equal((await server.ready()).status, 503);
  // More than there are threads that open connections: so each attempt was given up in time.
  assert.ok(proxy.muted > 3, `${proxy.muted} hang`);

  // From now on new connections work. Those that hang still do.
  proxy.mutes = false;
  const mended = performance.now();
  await eventually("a task is created", async () => (await server.create("after")).status === 201);
  const back = (performance.now() - mended) / 1000;
  await server.becomesReady();
  assert.equal((await server.get(`/api/v1/tasks/${id}`)).status, 200);
  table("Connections that hang while they are opened", [
    { hang: proxy.muted, "slowest without the database": `${slowest.toFixed(2)} s`, "back after": `${back.toFixed(2)} s` },
  ]);
  assert.ok(back < 10, `back only after ${back} s`);
});
