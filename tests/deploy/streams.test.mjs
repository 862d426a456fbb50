// Streams of events through each proxy, as deploy/ configures them, to two real servers.

import { strict as assert } from "node:assert";
import { test } from "node:test";
import { startCaddy, startHaproxy, startNginx } from "./support/proxies.mjs";
import { startBehind } from "./support/replicas.mjs";

const STREAM = "/api/v1/changes/stream";
const PROXIES = { nginx: startNginx, Caddy: startCaddy, HAProxy: startHaproxy };

for (const [name, startProxy] of Object.entries(PROXIES)) {
  test(`${name}: events are passed on at once, from both servers, and silence does not end a stream`, async (t) => {
    const { proxy, token } = await startBehind(t, startProxy);
    // On both servers, and under the path of the user, too.
    const paths = [STREAM, STREAM, "/api/v1/users/me/changes/stream", STREAM];
    const streams = await Promise.all(paths.map((path) => proxy.events(path, { token })));
    t.after(() => streams.forEach((stream) => stream.close()));
    const told = (stream) => stream.next().then((block) => assert.match(block, /^event: changed\nid: .+\ndata: /));
    for (const stream of streams) {
      assert.equal(stream.status, 200);
      assert.match(await stream.next(), /^retry: /);
      await told(stream);
    }
    for (const title of ["first", "second"]) {
      const created = await proxy.api("POST", "/api/v1/tasks", { token, body: JSON.stringify({ title }) });
      assert.equal(created.status, 201);
      await Promise.all(streams.map(told));
    }
    // Two heartbeats take longer than any time limit for a response.
    for (let beat = 0; beat < 2; beat += 1) {
      for (const block of await Promise.all(streams.map((stream) => stream.next()))) assert.equal(block, ":");
    }
    const created = await proxy.api("POST", "/api/v1/tasks", { token, body: JSON.stringify({ title: "third" }) });
    assert.equal(created.status, 201);
    await Promise.all(streams.map(told));
  });
}
