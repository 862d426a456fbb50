// PgBouncer between Todoward and PostgreSQL.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../better-auth/support/postgres.mjs";
import { eventually } from "../better-auth/support/wait.mjs";
import { token } from "./support/client.mjs";
import { Cluster } from "./support/cluster.mjs";
import { followingPooler } from "./support/following-pooler.mjs";
import { Load } from "./support/load.mjs";
import { directory, find, number, start, table } from "./support/programs.mjs";
import { SERVED, todoward } from "./support/servers.mjs";

const SECONDS = number("SECONDS", 3);
const RATE = number("RATE", 50);

/** PgBouncer before a cluster, with a pool mode and other settings. */
async function pgbouncer(t, cluster, mode, settings = {}) {
  const place = directory(t);
  const port = await freePort();
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    admin_users: "admin",
    pool_mode: mode,
    default_pool_size: 8,
    ...settings,
  };
  const file = join(place, "pgbouncer.ini");
  const write = () => {
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    const database = `postgres = host=127.0.0.1 port=${cluster.port} user=postgres`;
    writeFileSync(file, `[databases]\n${database}\n[pgbouncer]\n${lines.join("\n")}\n`);
  };
  write();
  const path = process.env.PGBOUNCER ?? find("pgbouncer");
  const program = start(t, path, [file], { log: join(place, "log"), end: "SIGINT" });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await eventually("PgBouncer answers", () => cluster.psql("SELECT 1", url));
  const console = `postgres://admin@127.0.0.1:${port}/pgbouncer`;
  const admin = (command) => cluster.psql(command, console);
  const pause = () => cluster.psqlMeanwhile("PAUSE", console);
  const set = (changed) => {
    Object.assign(all, changed);
    write();
    admin("RELOAD");
  };
  return { program, url, admin, pause, set };
}

/** Puts load on the servers for some seconds, in which every response must be the right one. */
async function drive(what, servers) {
  const loads = servers.map((server) => new Load({ url: server.url, rate: RATE }).start());
  await new Promise((done) => setTimeout(done, SECONDS * 1000));
  for (const load of loads) {
    await load.stop();
    const stored = await load.verify();
    load.client.close();
    table(what, [{ ...load.summary(), stored }]);
    assert.deepEqual(load.unexpected, []);
    assert.equal(stored, load.tasks.length);
  }
}

/** Checks that it works without prepared statements, and that the log says why and what would be faster. */
async function servesUnprepared(server, cluster, pooler) {
  await server.becomesReady();
  assert.equal((await server.create("created")).status, 201);
  await eventually("the log says why", () => /does not follow prepared statements.*set max_prepared_statements/.test(server.log));
  const prepared = "SELECT count(*) FROM pg_prepared_statements";
  for (let turn = 0; turn < 4; turn += 1) assert.equal(cluster.psql(prepared, pooler.url), "0", "left in a session that is shared");
}

test("with a session for each client everything works, as without PgBouncer", async (t) => {
  const cluster = await Cluster.start(t);
  const pooler = await pgbouncer(t, cluster, "session");
  const servers = [await todoward(t, pooler.url), await todoward(t, pooler.url, { TODOWARD__DATABASE__POOL_SIZE: "3" })];
  for (const server of servers) await server.becomesReady();
  await drive("PgBouncer, pool_mode = session, two replicas", servers);
  for (const server of servers) await server.stop();
  const kept = cluster.psql("SELECT count(*) FROM pg_prepared_statements", pooler.url);
  assert.equal(kept, "0", "PgBouncer clears what a client leaves behind");
});

test("a pooler with no session to spare is used for what it has", async (t) => {
  const cluster = await Cluster.start(t);
  const pooler = await pgbouncer(t, cluster, "session", { default_pool_size: 2 });
  const server = await todoward(t, pooler.url, { TODOWARD__DATABASE__POOL_SIZE: "2" });
  await server.becomesReady();
  assert.equal((await server.create("one")).status, 201);
});

test("a session that several clients share is recognised, and nothing is prepared in it", async (t) => {
  const cluster = await Cluster.start(t);
  for (const [migrate, settings] of [
    ["true", {}],
    ["false", {}],
    ["false", { server_round_robin: 1 }],
    ["false", { default_pool_size: 1 }],
  ]) {
    const pooler = await pgbouncer(t, cluster, "transaction", settings);
    const server = await todoward(t, pooler.url, { TODOWARD__DATABASE__MIGRATE_ON_START: migrate });
    await servesUnprepared(server, cluster, pooler);
    await server.stop();
  }
});

test("two replicas work without prepared statements, unasked", async (t) => {
  const cluster = await Cluster.start(t);
  limit(cluster);
  const pooler = await pgbouncer(t, cluster, "transaction", { server_round_robin: 1 });
  const servers = await Promise.all([todoward(t, pooler.url), todoward(t, pooler.url)]);
  for (const server of servers) await servesUnprepared(server, cluster, pooler);
  await drive("PgBouncer, pool_mode = transaction, two replicas", servers);
  await tellsOfChanges(...servers);
  await listensToNothing(cluster);
  await leavesNoSettings(cluster, pooler.url);
});

test("a session that others are busy with is recognised as shared, too", async (t) => {
  const cluster = await Cluster.start(t);
  for (const settings of [{ default_pool_size: 4 }, { default_pool_size: 4, server_round_robin: 1 }]) {
    const pooler = await pgbouncer(t, cluster, "transaction", settings);
    const busy = await todoward(t, pooler.url, { TODOWARD__DATABASE__PREPARED_STATEMENTS: "false" });
    await busy.becomesReady();
    const load = new Load({ url: busy.url, rate: RATE }).start();
    for (let start = 0; start < number("STARTS", 3); start += 1) {
      const server = await todoward(t, pooler.url);
      await servesUnprepared(server, cluster, pooler);
      await server.stop();
    }
    await load.stop();
    load.client.close();
    assert.deepEqual(load.unexpected, []);
  }
});

/** Gives new sessions a time limit that is neither Todoward's nor PostgreSQL's default. */
function limit(cluster) {
  cluster.psql("ALTER ROLE postgres SET statement_timeout = '9s'");
}

/** Checks that Todoward has left no settings in the shared sessions, which the pooler gives out in turn. */
async function leavesNoSettings(cluster, url) {
  const names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
  const all = names.map((name) => `current_setting('${name}')`).join(" || ' ' || ");
  for (let turn = 0; turn < 6; turn += 1) {
    assert.equal((await cluster.psqlMeanwhile(`SELECT ${all}`, url)).trim(), "9s 0 0");
  }
}

/** What one replica writes is an event on the other. */
async function tellsOfChanges(one, other) {
  await one.create("before");
  const ending = new AbortController();
  const headers = { authorization: `Bearer ${token("alice")}` };
  const stream = await fetch(`${other.url}/api/v1/changes/stream`, { headers, signal: ending.signal });
  const events = stream.body.pipeThrough(new TextDecoderStream()).values();
  const changed = async () => {
    for (let text = ""; !/event: changed\n.*\n\n/s.test(text); text += (await events.next()).value);
  };
  await changed();
  await one.create("after");
  await changed();
  ending.abort();
}

/** Checks that no session listens: it would still do so for its next client. */
async function listensToNothing(cluster) {
  const listeners = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'LISTEN|NOTIFY' AND pid <> pg_backend_pid()";
  assert.equal((await cluster.psqlMeanwhile(listeners)).trim(), "0");
}

for (const roundRobin of [false, true]) {
  test(`a pooler that follows prepared statements is used with them${roundRobin ? ", whatever session it gives" : ""}`, async (t) => {
    const cluster = await Cluster.start(t);
    limit(cluster);
    const pooler = await followingPooler(t, cluster, { sessions: 3, roundRobin });
    // They also migrate through the pooler.
    const servers = await Promise.all([todoward(t, pooler.url), todoward(t, pooler.url)]);
    for (const server of servers) await server.becomesReady();
    await drive(`a pooler that follows, ${roundRobin ? "sessions in turn" : "the last session first"}, two replicas`, servers);
    const followed = pooler.followed();
    assert.ok(followed.some((text) => /^INSERT INTO tasks/.test(text)), followed.join("\n"));
    assert.ok(followed.includes("SELECT pg_is_in_recovery()"), "pipelines ask that when they are opened");
    for (const server of servers) assert.match(server.log, /Todoward sets no time limits/);
    await tellsOfChanges(...servers);
    await listensToNothing(cluster);
    await leavesNoSettings(cluster, pooler.url);
  });
}

test("where sessions are shared without prepared statements, none is left with settings", async (t) => {
  const cluster = await Cluster.start(t);
  limit(cluster);
  const pooler = await pgbouncer(t, cluster, "transaction", { default_pool_size: 3, server_round_robin: 1 });
  const server = await todoward(t, pooler.url, { TODOWARD__DATABASE__PREPARED_STATEMENTS: "false" });
  await server.becomesReady();
  await drive("PgBouncer, pool_mode = transaction, prepared_statements = false", [server]);
  assert.match(server.log, /Todoward sets no time limits/);
  await leavesNoSettings(cluster, pooler.url);
});

test("without prepared statements a shared session does, and two replicas can migrate through it", async (t) => {
  const cluster = await Cluster.start(t);
  const pooler = await pgbouncer(t, cluster, "transaction", { default_pool_size: 3, server_round_robin: 1 });
  const variables = { TODOWARD__DATABASE__PREPARED_STATEMENTS: "false", TODOWARD__DATABASE__POOL_SIZE: "6" };
  const servers = await Promise.all([todoward(t, pooler.url, variables), todoward(t, pooler.url, variables)]);
  for (const server of servers) await server.becomesReady();
  const locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
  assert.equal(cluster.psql(locks), "0", "the lock of the migration is gone");
  await drive("PgBouncer, pool_mode = transaction, prepared_statements = false, two replicas", servers);
  // A replica that starts later is not held up by anything that was left.
  await (await todoward(t, pooler.url, variables)).becomesReady();
});

for (const [mode, variables] of [
  ["session", {}],
  ["transaction", { TODOWARD__DATABASE__PREPARED_STATEMENTS: "false" }],
]) {
  test(`a PgBouncer that is paused holds nothing else up, and its return is noticed (${mode})`, async (t) => {
    const cluster = await Cluster.start(t);
    const pooler = await pgbouncer(t, cluster, mode);
    const limits = {
      TODOWARD__DATABASE__STATEMENT_TIMEOUT: "1",
      TODOWARD__DATABASE__ACQUIRE_TIMEOUT: "1",
      TODOWARD__SERVER__REQUEST_TIMEOUT: "2",
    };
    const server = await todoward(t, pooler.url, { ...variables, ...limits });
    await server.becomesReady();
    const acknowledged = (await server.create("before", "before")).data.id;

    let isPaused = false;
    const pausing = pooler.pause().then(() => (isPaused = true));
    // In session mode PAUSE waits until no client has a session. The server's background jobs
    // may have one at any time.
    const sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'todoward'";
    await eventually("PgBouncer is paused", () => {
      if (mode === "session" && !isPaused) cluster.psql(sessions);
      return isPaused;
    });
    await pausing;
    let slowest = 0;
    const until = performance.now() + number("PAUSE_SECONDS", 6) * 1000;
    const during = [];
    while (performance.now() < until) {
      const answers = [];
      for (let i = 0; i < 6; i += 1) {
        const key = `during-${during.length + i}`;
        answers.push(server.create(key, key).then((answer) => ({ key, answer })));
      }
      const { seconds, ...served } = await server.withoutDatabase();
      slowest = Math.max(slowest, seconds);
      assert.deepEqual(served, SERVED);
      for (const { key, answer } of await Promise.all(answers)) {
        assert.ok([503, 504].includes(answer.status), `${answer.status}`);
        during.push(key);
      }
      assert.equal((await server.ready()).status, 503);
    }
    pooler.admin("RESUME");
    const resumed = performance.now();
    await eventually("a task is created", async () => (await server.create("after", "after")).status === 201);
    const back = (performance.now() - resumed) / 1000;
    await server.becomesReady();
    // Each create has happened once or not at all; repeated with its key, once.
    for (const key of during) assert.equal((await server.create(key, key)).status, 201, key);
    const titles = [];
    for (let path = "/api/v1/tasks?limit=200"; path; ) {
      const { data, headers } = await server.get(path);
      titles.push(...data.items.map((item) => item.title));
      path = /^<([^>]+)>/.exec(headers.link ?? "")?.[1];
    }
    assert.deepEqual(titles.sort(), ["before", "after", ...during].sort());
    assert.equal((await server.get(`/api/v1/tasks/${acknowledged}`)).status, 200);
    table(`PgBouncer paused (${mode})`, [
      { refused: during.length, "slowest without the database": `${slowest.toFixed(2)} s`, "back after": `${back.toFixed(2)} s` },
    ]);
    assert.ok(back < 2, `back only after ${back} s`);
  });
}
