import { expect, inject, test } from "vitest";
import type { Task } from "../src/index.js";
import { type Device, device, direct, newUser, selectiveProxy } from "./devices.js";
import { cutAfter, cutBefore, refuses } from "./support.js";

/** Runs of each engine; each has a seed of its own, which a failure names. */
const RUNS = Number(process.env.SYNC_RUNS ?? 3);
const FIRST_SEED = Number(process.env.SYNC_SEED ?? 1);
const STEPS = 120;

/** Random numbers that a seed determines (mulberry32). */
function randomOf(seed: number) {
  let state = seed;
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (share: number) => fraction() < share,
    one: <T>(of: readonly T[]): T => of[Math.floor(fraction() * of.length)]!,
    number: (below: number) => Math.floor(fraction() * below),
  };
}

type Random = ReturnType<typeof randomOf>;

/** One random write. What is impossible here is not done; what is impossible on the server is taken back. */
async function write({ store: { tasks, lists } }: Device, random: Random): Promise<void> {
  const live = tasks.list();
  const some = live.length ? random.one(live) : undefined;
  const list = random.one([null, ...lists.list()]);
  const parent = random.one([null, null, ...live]);
  const title = `t${random.number(1000)}`;
  const buried = tasks.list({ trash: true });
  const sibling = (task: Task) =>
    live.filter(({ id, list_id, parent_id }) => id !== task.id && list_id === task.list_id && parent_id === task.parent_id);
  switch (random.number(some ? 16 : 2)) {
    case 0:
    case 1:
      return void (await tasks.create({ title, ...(parent ? { parent_id: parent.id } : { list_id: list?.id ?? null }) }));
    case 2:
    case 3:
      return void (await tasks.update(some!.id, { title }));
    case 4:
      return void (await tasks.update(some!.id, { description: title, tags: [random.one(["a", "b", "c"]), " d "] }));
    case 5:
      return void (await tasks.update(some!.id, random.one([{ due_date: "2027-01-31", recurrence: { rule: "FREQ=MONTHLY" } }, { due_date: null }])));
    case 6:
      return void (await tasks.complete(some!.id, random.chance(0.7)));
    case 7:
      return void (await tasks.complete(some!.id, true, { subtasks: true, on: "2027-02-01" }));
    case 8:
      return void (await tasks.move(some!.id, random.one([{ first: true }, { last: true }, { list_id: list?.id ?? null }])));
    case 9: {
      const beside = random.one([undefined, ...sibling(some!)]);
      return beside && void (await tasks.move(some!.id, random.one([{ before: beside.id }, { after: beside.id }])));
    }
    case 10:
      return void (await tasks.update(some!.id, { parent_id: parent?.id === some!.id ? null : (parent?.id ?? null) }));
    case 11:
      return void (await tasks.delete(some!.id, { permanent: random.chance(0.2) }));
    case 12:
      return buried.length ? void (await tasks.restore(random.one(buried).id)) : undefined;
    case 13:
      return void (await lists.create({ name: title, color: "#AABBCC" }));
    case 14:
      if (!list) return;
      return void (await random.one([
        () => lists.update(list.id, { name: title }),
        () => lists.move(list.id, { first: true }),
        () => lists.delete(list.id, { permanent: random.chance(0.2) }),
      ])());
    default: {
      const trashed = lists.list({ trash: true });
      return trashed.length ? void (await lists.restore(random.one(trashed).id)) : undefined;
    }
  }
}

function copyOf({ store: { tasks, lists } }: Device) {
  const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
  return {
    tasks: [...tasks.list(), ...tasks.list({ trash: true })].sort(byId),
    lists: [...lists.list(), ...lists.list({ trash: true })].sort(byId),
  };
}

const servers = Object.entries(inject("servers"));
const runs = Array.from({ length: RUNS }, (_, at) => servers.map(([engine, url]) => [FIRST_SEED + at, engine, url] as const));

test.each(runs.flat())(
  "after random writes, outages and lost responses, both devices and the server have the same (%i, %s)",
  async (seed, _engine, url) => {
    const random = randomOf(seed);
    const user = newUser();
    let trouble = true;
    const proxy = await selectiveProxy(url, ({ method, path }) => {
      if (!trouble || path.endsWith("/stream") || random.chance(method === "GET" ? 0.95 : 0.7)) return undefined;
      if (method === "GET" && path.includes("since=") && random.chance(0.2)) return refuses(410, "sync_reset");
      return random.one([cutAfter, cutBefore, refuses(503, "overloaded"), refuses(503, "database_unavailable", { done: true })]);
    });
    const rejected = new Set<string>();
    const options = { onRejected: ({ id }: { id: string }) => void rejected.add(id) };
    const devices = [await device(proxy.url, user, options), await device(proxy.url, user, options)];
    const server = direct(url, user);
    // The cursor of an account without anything ends whenever any account is erased.
    await server.createTask({ title: "first" });
    const { next: start } = await server.changes();
    const written = new Set<string>();
    for (let step = 0; step < STEPS; step += 1) {
      const one = random.one(devices);
      if (random.chance(0.1)) one.offline = !one.offline;
      else if (random.chance(0.03)) await one.restart();
      else if (random.chance(0.15)) await one.store.sync().catch(() => undefined);
      else await write(one, random);
      for (const { id } of [...one.store.tasks.list(), ...one.store.lists.list()]) written.add(id);
    }
    trouble = false;
    for (const one of devices) {
      one.offline = false;
      await one.store.sync();
    }
    for (const one of devices) await one.store.sync();
    const there: ReturnType<typeof copyOf> = { tasks: [], lists: [] };
    for await (const { tasks, lists } of server.pagesOfChanges()) {
      there.tasks.push(...tasks);
      there.lists.push(...lists);
    }
    for (const one of devices) {
      await expect.poll(() => one.store.status).toMatchObject({ state: "synced", pending: 0 });
      expect(copyOf(one)).toEqual(there);
    }
    // Nothing was lost: what is not there any more was refused, or has ended.
    const known = new Set([...there.tasks, ...there.lists].map(({ id }) => id));
    for await (const { gone } of server.pagesOfChanges(start)) gone.forEach(({ id }) => known.add(id));
    expect([...written].filter((id) => !known.has(id) && !rejected.has(id))).toEqual([]);
  },
  120_000,
);
