// A migration beside a running replica of the previous release, on a filled database:
// nothing may wait for it for longer than 100 ms, no request may fail, and the previous
// release must go on with what this one has written.
//
//   PREVIOUS=/path/to/an/older/todoward TASKS=1000000 RATE=150 DATABASES=postgres,sqlite node upgrade.mjs
//
// KEEP=seconds lets PostgreSQL live on, to look at plans.

import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinaries } from "../better-auth/support/postgres.mjs";
import { migrate } from "../better-auth/support/todoward.mjs";
import { eventually } from "../better-auth/support/wait.mjs";
import { Cluster } from "./support/cluster.mjs";
import { Load } from "./support/load.mjs";
import { directory, find, number, start, table } from "./support/programs.mjs";
import { todoward } from "./support/servers.mjs";

if (!process.env.PREVIOUS) throw new Error("PREVIOUS must name the binary of an older release");
const PREVIOUS = resolve(process.env.PREVIOUS);
const TASKS = number("TASKS", 1_000_000);
const OWNERS = Math.max(1, TASKS / 100);
const RATE = number("RATE", 150);
const DATABASES = (process.env.DATABASES ?? "postgres").split(",");
const AROUND = 10_000;
const WAIT = 100;

const COLUMNS = `owner_id, id, title, title_lower, description, description_lower, completed, completed_at,
  priority, due_date, tags, version, updated_at, rest_folded, folded_version`;

/** Task `n`. All OWNERS have equally many, and `crowd` has 10,000 more. */
const values = (owner, id) => `SELECT ${owner}, ${id}, 'Buy milk and bread ' || n, 'buy milk and bread ' || n,
  'About ' || n, 'about ' || n, n % 3 = 0, CASE WHEN n % 3 = 0 THEN '2026-11-01 10:00:00.123' END, n % 4,
  '2026-12-01', '[\n"home",\n"shop"]', 1, '2026-11-01 10:00:00.123', 'home\nshop', 1`;

const OF_POSTGRES = values("owner", "id")
  .replaceAll("'2026-11-01 10:00:00.123'", "timestamp '2026-11-01 10:00:00.123'")
  .replace("'2026-12-01'", "date '2026-12-01'");

const DATABASE = {
  async postgres(t) {
    const cluster = await Cluster.start(t, {
      fsync: "on",
      shared_buffers: "512MB",
      max_wal_size: "1GB",
      // Each wait for a lock becomes a line of the log, with its duration.
      log_lock_waits: "on",
      deadlock_timeout: "2ms",
      log_line_prefix: "%a ",
    });
    const url = (name) => `${cluster.url}?application_name=${name}`;
    const waits = (log) => {
      const line = /^(\w+) LOG: .* (still waiting for|acquired) (\w+) on (.*?) after ([\d.]+) ms/gm;
      return [...log.matchAll(line)].map(([, who, , lock, what, ms]) => ({ who, lock, what, ms: Number(ms) }));
    };
    return {
      cluster,
      previous: url("previous"),
      current: url("current"),
      fill() {
        const rows = (owner, id, end) => `INSERT INTO tasks (${COLUMNS}) ${OF_POSTGRES} FROM (SELECT n, ${owner}
          AS owner, ${id} AS id FROM generate_series(0, ${end - 1}) n) AS numbers`;
        const id = (prefix) => `('${prefix}' || (10000000 + n) || '7abc8def012345678901')::uuid`;
        const all = rows(`'owner ' || n % ${OWNERS}`, id("018c"), TASKS);
        const crowd = rows("'crowd'", id("018b"), 10_000);
        for (const statement of [all, crowd, "VACUUM ANALYZE tasks", "CHECKPOINT"]) {
          cluster.psql(statement, cluster.url, 600_000);
        }
      },
      waits: () => waits(cluster.server.log()),
      /** Starts a report that is still reading the table when the migration wants to change it. */
      async report() {
        const given = ["-X", "-q", "-d", url("report"), "-c", "SELECT pg_sleep(3) FROM tasks LIMIT 1"];
        start(t, join(findBinaries("psql"), "psql"), given, { log: join(cluster.directory, "report") });
        const reads = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'report' AND wait_event = 'PgSleep'";
        await eventually("the report reads", () => cluster.psql(reads) === "1");
      },
    };
  },
  async sqlite(t) {
    const file = join(directory(t), "todoward.db");
    return {
      previous: `sqlite://${file}`,
      current: `sqlite://${file}`,
      fill() {
        const rows = (owner, id, end) => `INSERT INTO tasks (${COLUMNS}) WITH RECURSIVE numbers(n) AS
          (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${end - 1}) ${values(owner, id)} FROM numbers;`;
        const id = (first) => `CAST(printf('${first}%015d', n) AS BLOB)`;
        const all = rows(`'owner ' || n % ${OWNERS}`, id(1), TASKS);
        const crowd = rows("'crowd'", id(2), 10_000);
        execFileSync(find("sqlite3"), [file, `BEGIN; ${all} ${crowd} COMMIT; ANALYZE;`], { stdio: "pipe" });
      },
      waits: () => [],
      async report() {},
    };
  },
};

/** What the previous release does with rows that this one has written. */
async function previousGoesOn(previous, current) {
  const faults = [];
  const must = (holds, what) => holds || faults.push(what);
  const ask = async (server, method, path, body, status = 200) => {
    const answer = await server.call(method, `/api/v1${path}`, body === undefined ? {} : { body });
    must(answer.status === status, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.data)}`);
    return answer.data;
  };
  const list = await ask(current, "POST", "/lists", { name: "home" }, 201);
  const create = (body) => ask(current, "POST", "/tasks", body, 201);
  const tasks = [await create({ title: "plain" }), await create({ title: "in a list", list_id: list.id })];
  tasks.push(await create({ title: "below", parent_id: tasks[1].id }));
  const rule = { rule: "FREQ=DAILY" };
  tasks.push(await create({ title: "daily", due_date: "2026-12-01", due_time: "09:30", recurrence: rule }));
  await ask(current, "PATCH", `/tasks/${tasks[0].id}`, { title: "renamed" });
  await ask(current, "PATCH", `/tasks/${tasks[0].id}`, { title: "plain" });
  for (const task of tasks) {
    const read = await ask(previous, "GET", `/tasks/${task.id}`);
    must(read.title === task.title && !read.completed, `the previous release reads ${JSON.stringify(read)}`);
    const done = await ask(previous, "PATCH", `/tasks/${task.id}/complete`, { completed: true });
    must(done.completed && done.version === read.version + 1, `it completes ${JSON.stringify(done)}`);
    const again = await ask(previous, "PATCH", `/tasks/${task.id}`, { title: `${task.title} again`, completed: false });
    must(again.title === `${task.title} again` && !again.completed, `it changes ${JSON.stringify(again)}`);
    const now = await ask(current, "GET", `/tasks/${task.id}`);
    must(now.title === again.title && now.version === again.version, `this release reads ${JSON.stringify(now)}`);
    for (const name of ["list_id", "parent_id", "due_time", "recurrence"]) {
      const kept = JSON.stringify(now[name]) === JSON.stringify(task[name]);
      must(kept, `${name} of ${task.title} was ${JSON.stringify(task[name])} and is ${JSON.stringify(now[name])}`);
    }
  }
  // A series that the previous release has completed and reopened goes on as it should.
  const daily = await ask(current, "PATCH", `/tasks/${tasks.at(-1).id}/complete`, { completed: true });
  must(daily.next_id, `it has no successor: ${JSON.stringify(daily)}`);
  await ask(current, "PATCH", `/tasks/${tasks.at(-1).id}/complete`, { completed: false });
  const made = await ask(previous, "POST", "/tasks", { title: "by the previous release" }, 201);
  await ask(current, "PATCH", `/tasks/${made.id}`, { list_id: list.id, tags: ["new"] });
  const listed = await ask(previous, "GET", "/tasks?limit=50");
  const titles = listed.items.map((item) => item.title).sort();
  const expected = [...tasks.map((task) => `${task.title} again`), made.title].sort();
  must(JSON.stringify(titles) === JSON.stringify(expected), `it lists ${titles}`);
  const completed = await ask(previous, "PATCH", `/tasks/${made.id}/complete`, { completed: true });
  must(completed.tags[0] === "new" && completed.completed, `it completes ${JSON.stringify(completed)}`);
  return faults;
}

async function upgrade(t, name) {
  const database = await DATABASE[name](t);
  const made = await migrate({ DATABASE_URL: database.previous }, PREVIOUS);
  if (made.code !== 0) throw new Error(made.err);
  database.fill();
  const previous = await todoward(t, database.previous, {}, PREVIOUS);
  await previous.becomesReady();
  const load = new Load({ url: previous.url, rate: RATE }).start();
  const rows = [];
  /** The load while something happens. */
  const during = async (what, action) => {
    const [from, lines, begun] = [load.times.length, database.waits().length, performance.now()];
    await action();
    const seconds = (performance.now() - begun) / 1000;
    const times = load.times.slice(from).sort((a, b) => a - b);
    const at = (share) => `${(times.at(Math.floor((times.length - 1) * share)) ?? 0).toFixed(1)} ms`;
    const waits = database.waits().slice(lines).filter((wait) => wait.who !== "current");
    const row = { what, seconds: seconds.toFixed(1), requests: times.length, p50: at(0.5), p99: at(0.99), longest: at(1) };
    const wait = Math.max(0, ...waits.map((one) => one.ms));
    if (name === "postgres") row["longest wait for a lock"] = `${wait.toFixed(1)} ms`;
    rows.push(row);
    return wait;
  };
  await during("before", () => sleep(AROUND));
  await database.report();
  let migrated;
  const wait = await during("migrate", async () => {
    migrated = await migrate({ DATABASE_URL: database.current });
  });
  await during("after", () => sleep(AROUND));
  const current = await todoward(t, database.current);
  await current.becomesReady();
  let faults = [];
  await during("both serve", async () => {
    faults = await previousGoesOn(previous, current);
    await sleep(AROUND);
  });
  await load.stop();
  const stored = await load.verify();
  const ofCurrent = await load.verify(current.url);
  load.client.close();
  console.log(migrated.out);
  table(`${name}, ${TASKS} tasks of ${OWNERS} owners, ${RATE} requests a second`, rows);
  const { "acknowledged creates": acknowledged, ...summary } = load.summary();
  table("In all", [{ ...summary, acknowledged, stored }]);
  if (name === "postgres") {
    const waited = database.waits().filter(({ ms }) => ms > 10);
    for (const { who, lock, what, ms } of waited) console.log(`${who} waited ${ms} ms for ${lock} on ${what}`);
  }
  faults.push(...load.unexpected.slice(0, 5));
  if (migrated.code !== 0 || migrated.out.includes("no index")) faults.push(`${migrated.out}${migrated.err}`);
  if (wait > WAIT) faults.push(`a request waited ${wait} ms for a lock`);
  if (stored !== acknowledged || ofCurrent !== acknowledged) faults.push(`${stored}, ${ofCurrent} tasks are stored`);
  if (database.cluster && process.env.KEEP) {
    console.log(`${database.cluster.url} for ${process.env.KEEP} s`);
    await sleep(number("KEEP", 0) * 1000);
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

const cleanups = [];
const t = { after: (cleanup) => cleanups.unshift(cleanup) };
const faults = [];
try {
  for (const database of DATABASES) faults.push(...(await upgrade(t, database)));
} finally {
  for (const cleanup of cleanups) await cleanup();
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length ? 1 : 0;
