// PostgreSQL is killed under load and started again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../better-auth/support/wait.mjs";
import { Cluster } from "./support/cluster.mjs";
import { Followers } from "./support/followers.mjs";
import { Load } from "./support/load.mjs";
import { number, table } from "./support/programs.mjs";
import { todoward } from "./support/servers.mjs";

const ROUNDS = number("ROUNDS", 5);
const RATE = number("RATE", 100);

test("kill -9 of PostgreSQL under load loses and doubles nothing, and the service is back within two seconds", async (t) => {
  const cluster = await Cluster.start(t);
  const server = await todoward(t, cluster.url);
  await server.becomesReady();
  const load = new Load({ url: server.url, rate: RATE, retries: true, most: 300 }).start();
  const followers = new Followers({ url: server.url, owners: load.owners }).start();
  const backs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Somewhere in the load, another place each time.
    await sleep(500 + Math.random() * 500);
    await eventually("a request is under way", () => load.under_way.size > 0);
    await cluster.kill();
    await cluster.up();
    const recovered = performance.now();
    while ((await server.create("after")).status !== 201) {
      assert.ok(performance.now() - recovered < 30_000, "it does not come back");
    }
    backs.push((performance.now() - recovered) / 1000);
  }
  await load.stop();
  const stored = await load.verify();
  const rows = await followers.areInStep();
  load.client.close();
  followers.close();
  const { requests, unexpected } = load.summary();
  table(`${ROUNDS} times kill -9 of PostgreSQL`, [
    {
      requests,
      "acknowledged creates": load.tasks.length,
      stored,
      "rows in step": rows,
      ...followers.summary(),
      "repeated after 503, 504": load.passing,
      "lost or doubled": 0,
      unexpected,
      "back after, at most": `${Math.max(...backs).toFixed(2)} s`,
    },
  ]);
  assert.deepEqual(load.unexpected, []);
  assert.equal(stored, load.tasks.length);
  assert.ok(Math.max(...backs) < 2, `back after ${backs} s`);
});
