// A commit that waits for a standby which is not there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../better-auth/support/wait.mjs";
import { Cluster } from "./support/cluster.mjs";
import { table } from "./support/programs.mjs";
import { SERVED, todoward } from "./support/servers.mjs";

const LIMITS = { TODOWARD__DATABASE__STATEMENT_TIMEOUT: "1", TODOWARD__SERVER__REQUEST_TIMEOUT: "3" };
const WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

function require(cluster, standbys) {
  cluster.psql(`ALTER SYSTEM SET synchronous_standby_names = '${standbys}'`);
  cluster.psql("SELECT pg_reload_conf()");
}

/** Checks that the response says that the outcome is unknown. */
function isUnknown(answer) {
  assert.ok([503, 504].includes(answer.status), `${answer.status} ${JSON.stringify(answer.data)}`);
  assert.match(answer.data.detail, /unknown/);
}

test("a write whose commit no standby has is never acknowledged, and happens once when it is repeated", async (t) => {
  const cluster = await Cluster.start(t);
  // A user gets half of the connections, so three writes wait at the same time.
  const server = await todoward(t, cluster.url, { ...LIMITS, TODOWARD__DATABASE__POOL_SIZE: "6" });
  await server.becomesReady();
  const task = (await server.create("there before")).data;
  const path = `/api/v1/tasks/${task.id}`;

  require(cluster, "ANY 1 (nobody)");
  const begun = performance.now();
  const change = (headers) => server.call("PATCH", path, { headers, body: { title: "changed" } });
  const answers = await Promise.all([
    server.create("keyed", "key"),
    server.create("without a key"),
    change({ "if-match": '"1"' }),
    server.withoutDatabase().then(({ seconds, ...served }) => assert.deepEqual(served, SERVED)),
  ]);
  const seconds = (performance.now() - begun) / 1000;
  answers.slice(0, 3).forEach(isUnknown);
  // Longer than the time limit of statements, which must not end the wait: PostgreSQL
  // would call it a success.
  assert.ok(seconds > 1.5, `answered after ${seconds} s`);
  assert.equal(cluster.psql(WAITING), "3", "the commits wait still");
  isUnknown(await server.create("keyed", "key"));
  // Reads are served, because new connections replace those that wait.
  await eventually("reads are served", async () => (await server.get(path)).status === 200);
  const { seconds: slowest, ...served } = await server.withoutDatabase();
  assert.deepEqual(served, SERVED);

  require(cluster, "");
  const lifted = performance.now();
  await eventually("a task is created", async () => (await server.create("after", "after")).status === 201);
  const back = (performance.now() - lifted) / 1000;
  await eventually("no commit waits", () => cluster.psql(WAITING) === "0");
  const again = await server.create("keyed", "key");
  assert.equal(again.status, 201);
  assert.equal(again.headers["idempotency-replayed"], "true");
  const { data } = await server.get("/api/v1/tasks");
  assert.equal(data.items.filter((item) => item.title === "keyed").length, 1);
  const repeated = await change({ "if-match": '"1"' });
  assert.equal(repeated.status, 412, "the change has happened, once");
  assert.equal((await server.get(path)).data.title, "changed");
  await server.becomesReady();
  table("Commits that wait for a standby", [
    {
      "answered unknown after": `${seconds.toFixed(1)} s`,
      "health and refusals": `${(slowest * 1000).toFixed(0)} ms`,
      "back after": `${back.toFixed(2)} s`,
    },
  ]);
});

test("a backend that is ended while its commit waits is an unknown outcome", async (t) => {
  const cluster = await Cluster.start(t);
  const server = await todoward(t, cluster.url);
  await server.becomesReady();
  require(cluster, "ANY 1 (nobody)");
  const answer = server.create("cut", "key");
  await eventually("the commit waits", () => cluster.psql(WAITING) === "1");
  cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  isUnknown(await answer);
  require(cluster, "");
  assert.equal((await server.create("cut", "key")).status, 201);
  assert.equal((await server.get("/api/v1/tasks")).data.items.length, 1);
});

test("commits that wait for long, and more of them than there are connections, end with the wait", async (t) => {
  const cluster = await Cluster.start(t);
  const server = await todoward(t, cluster.url, LIMITS);
  await server.becomesReady();
  require(cluster, "ANY 1 (nobody)");
  const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`);
  const answers = await Promise.all(keys.map((key) => server.create(key, key)));
  for (const answer of answers) assert.ok([503, 504].includes(answer.status), `${answer.status}`);
  require(cluster, "");
  const lifted = performance.now();
  await eventually("a task is created", async () => (await server.create("after", "after")).status === 201);
  assert.ok(performance.now() - lifted < 2_000);
  for (const key of keys) assert.equal((await server.create(key, key)).status, 201);
  const { data } = await server.get("/api/v1/tasks?limit=200");
  assert.deepEqual(data.items.map((item) => item.title).sort(), ["after", ...keys].sort());
});
