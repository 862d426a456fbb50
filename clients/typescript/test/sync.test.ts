import { describe, expect, inject, test, vi } from "vitest";
import type { TaskSort } from "../src/index.js";
import { device, direct, newUser, selectiveProxy } from "./devices.js";
import { refuses } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("what is written here is there at once, and on the server after it was sent", async () => {
    const user = newUser();
    const { store } = await device(url, user);
    const server = direct(url, user);
    const listing = store.lists.create({ name: " Groceries " });
    const [list] = store.lists.list();
    expect(list).toMatchObject({ name: "Groceries", version: 0 });
    expect(await listing).toEqual(list);
    const task = await store.tasks.create({ title: "Oats", list_id: list!.id, due_date: "2026-12-01" });
    void store.tasks.update(task.id, { title: "Oat flakes", tags: ["a"] });
    void store.tasks.complete(task.id);
    expect(store.tasks.get(task.id)).toMatchObject({ title: "Oat flakes", completed: true, tags: ["a"] });
    await store.sync();
    const there = await server.readTask(task.id);
    expect(there).toMatchObject({ title: "Oat flakes", completed: true, list_id: list!.id, version: 3 });
    expect(store.tasks.get(task.id)).toEqual(there);
    expect(store.lists.get(list!.id)).toEqual(await server.readList(list!.id));
    expect(store.status).toEqual({ state: "synced", pending: 0, leader: true });
  });

  test("what others write arrives", async () => {
    const user = newUser();
    const { store } = await device(url, user);
    const server = direct(url, user);
    const task = await server.createTask({ title: "t" });
    await store.sync();
    expect(store.tasks.list()).toEqual([task]);
    await server.updateTask(task.id, { title: "u" });
    const other = await server.createTask({ title: "gone" });
    await store.sync();
    expect(store.tasks.list({ sort: "title" }).map(({ title }) => title)).toEqual(["gone", "u"]);
    await server.deleteTask(task.id);
    await server.deleteTask(other.id, { permanent: true });
    await store.sync();
    expect(store.tasks.list()).toEqual([]);
    expect(store.tasks.list({ trash: true })).toMatchObject([{ id: task.id, title: "u" }]);
  });

  test("many writes without a network survive a restart, and are sent in order", async () => {
    const user = newUser();
    const phone = await device(url, user);
    await phone.store.sync();
    phone.offline = true;
    const list = await phone.store.lists.create({ name: "l" });
    for (let at = 0; at < 50; at += 1) {
      const task = await phone.store.tasks.create({ title: `${at}`, list_id: list.id });
      if (at % 5 === 0) await phone.store.tasks.complete(task.id);
      if (at % 7 === 0) await phone.store.tasks.delete(task.id);
      if (at % 14 === 0) await phone.store.tasks.restore(task.id);
    }
    const before = phone.store.tasks.list({ sort: "position" }).map(({ title, completed }) => [title, completed]);
    expect(phone.store.status.pending).toBe(1 + 50 + 10 + 8 + 4);
    await phone.restart();
    const after = () => phone.store.tasks.list({ sort: "position" }).map(({ title, completed }) => [title, completed]);
    expect(after()).toEqual(before);
    phone.offline = false;
    await phone.store.sync();
    expect(phone.store.status.pending).toBe(0);
    expect(after()).toEqual(before);
    const server = direct(url, user);
    const there = [];
    for await (const task of server.tasks({ sort: "position", limit: 200 })) there.push(task);
    expect(phone.store.tasks.list({ sort: "position" })).toEqual(there);
  });
});

const { sqlite } = inject("servers");

test("tasks are filtered and sorted as the server does", async () => {
  const user = newUser();
  const { store } = await device(sqlite, user);
  const server = direct(sqlite, user);
  const list = await server.createList({ name: "l" });
  const dates = [undefined, "2026-12-01", "2026-12-02"];
  const titles = ["Éclair", "apple", "Zebra", "ähre", "Zebra"];
  for (let at = 0; at < 30; at += 1) {
    const due_date = dates[at % 3];
    const task = await server.createTask({
      title: titles[at % 5]!,
      due_date,
      due_time: due_date && at % 4 ? `1${at % 4}:00` : undefined,
      priority: (["none", "low", "medium", "high"] as const)[at % 4],
      tags: at % 2 ? ["a"] : [],
      list_id: at % 3 ? null : list.id,
    });
    if (at % 4 === 0) await server.completeTask(task.id, true);
    if (at % 10 === 0) await server.deleteTask(task.id);
  }
  await store.sync();
  const keys: TaskSort[] = ["created_at", "updated_at", "completed_at", "due_date", "priority", "title", "position"];
  const sorts = [...keys, ...keys.map((key) => `-${key}` as TaskSort), ["priority", "-due_date", "title"] as TaskSort[]];
  for (const sort of sorts) {
    expect(store.tasks.list({ sort }), String(sort)).toEqual((await server.listTasks({ sort, limit: 200 })).items);
  }
  for (const query of [{ completed: true }, { list: ["inbox"] }, { list: [list.id], completed: false }, { tag: ["a"] }]) {
    const local = { ...query, list: query.list?.[0], tag: query.tag?.[0] };
    expect(store.tasks.list(local)).toEqual((await server.listTasks({ ...query, limit: 200 })).items);
  }
  const high = store.tasks.list({ where: ({ priority }) => priority === "high" });
  expect(high).toEqual((await server.listTasks({ priority: ["high"], limit: 200 })).items);
  expect(store.tasks.list({ trash: true, sort: "position" })).toHaveLength(3);
});

test("a query gives the same array until something in it changes", async () => {
  const user = newUser();
  const phone = await device(sqlite, user);
  const { tasks } = phone.store;
  const { id } = await tasks.create({ title: "t" });
  await phone.store.sync();
  const open = tasks.query({ completed: false });
  let calls = 0;
  const unsubscribe = open.subscribe(() => (calls += 1));
  const first = open.get();
  expect(first).toMatchObject([{ id }]);
  expect(open.get()).toBe(first);
  phone.offline = true;
  const other = await tasks.create({ title: "done", completed: true });
  expect(calls).toBeGreaterThan(0);
  expect(open.get()).toBe(first);
  await tasks.update(id, { title: "u" });
  const second = open.get();
  expect(second).not.toBe(first);
  // A pending row is the same object, too, while others change.
  await tasks.update(other.id, { title: "still done" });
  expect(open.get()).toBe(second);
  const before = calls;
  unsubscribe();
  await tasks.complete(id);
  expect(open.get()).toEqual([]);
  expect(calls).toBe(before);
});

test("where the server cannot tell of changes, it is asked", async () => {
  const user = newUser();
  const noStream = ({ path }: { path: string }) => (path.endsWith("/stream") ? refuses(404, "no_such_address") : undefined);
  const proxy = await selectiveProxy(sqlite, noStream);
  const { store } = await device(proxy.url, user, { pollInterval: 20 });
  const server = direct(sqlite, user);
  const { id } = await server.createTask({ title: "t" });
  await expect.poll(() => store.tasks.get(id)).toBeDefined();
  await server.updateTask(id, { title: "u" });
  await expect.poll(() => store.tasks.get(id)?.title).toBe("u");
  expect(proxy.requests.filter(({ path }) => path.endsWith("/stream"))).toHaveLength(1);
});

test("after an outage it goes on by itself", async () => {
  const user = newUser();
  const phone = await device(sqlite, user);
  await phone.store.sync();
  phone.offline = true;
  await phone.store.tasks.create({ title: "t" });
  await expect.poll(() => phone.store.status).toMatchObject({ state: "offline", pending: 1, leader: true });
  phone.offline = false;
  await expect.poll(() => phone.store.status).toEqual({ state: "synced", pending: 0, leader: true });
  expect((await direct(sqlite, user).listTasks()).items).toMatchObject([{ title: "t" }]);
});

test("two of one origin share the copy and the queue", async () => {
  const user = newUser();
  // Without the Web Locks API both lead, which is harmless here: every write says what it expects.
  const [one, two] = [await device(sqlite, user, { name: "shared" }), await device(sqlite, user, { name: "shared" })];
  const { id } = await one.store.tasks.create({ title: "t" });
  await expect.poll(() => two.store.tasks.get(id)?.title).toBe("t");
  await two.store.tasks.update(id, { title: "u" });
  await two.store.sync();
  await one.store.sync();
  expect(one.store.tasks.get(id)).toEqual(two.store.tasks.get(id));
  expect(one.store.tasks.get(id)).toEqual(await direct(sqlite, user).readTask(id));
});

test("what a write does to other rows stays done, also before it has been pulled", async () => {
  const user = newUser();
  const { store } = await device(sqlite, user);
  const list = await store.lists.create({ name: "l" });
  const above = await store.tasks.create({ title: "above", list_id: list.id });
  await store.tasks.create({ title: "below", parent_id: above.id });
  await store.sync();
  const seen = async (write: () => Promise<unknown>, look: () => unknown) => {
    const looks: unknown[] = [];
    const unsubscribe = store.subscribe(() => looks.push(look()));
    await write();
    await store.sync();
    unsubscribe();
    return [...new Set(looks.map((one) => JSON.stringify(one)))];
  };
  const open = () => store.tasks.list({ completed: false }).length;
  const live = () => store.tasks.list().length;
  expect(await seen(() => store.tasks.complete(above.id, true, { subtasks: true }), open)).toEqual(["0"]);
  expect(await seen(() => store.tasks.delete(above.id), live)).toEqual(["0"]);
  expect(await seen(() => store.tasks.restore(above.id), live)).toEqual(["2"]);
  const inInbox = () => store.tasks.list({ list: "inbox" }).length;
  expect(await seen(() => store.tasks.move(above.id, { list_id: null }), inInbox)).toEqual(["2"]);
  expect(await seen(() => store.tasks.update(above.id, { list_id: list.id }), inInbox)).toEqual(["0"]);
  expect(await seen(() => store.lists.delete(list.id), live)).toEqual(["0"]);
  expect(await seen(() => store.lists.restore(list.id), live)).toEqual(["2"]);
  const all = () => live() + store.tasks.list({ trash: true }).length;
  expect(await seen(() => store.lists.delete(list.id, { permanent: true }), all)).toEqual(["0"]);
  expect((await direct(sqlite, user).changes()).tasks).toEqual([]);
});

test("what a write has done besides is taken back by the next one, though it was not pulled yet", async () => {
  const user = newUser();
  const phone = await device(sqlite, user);
  const server = direct(sqlite, user);
  const [from, to] = [await server.createList({ name: "a" }), await server.createList({ name: "b" })];
  const above = await server.createTask({ title: "above", list_id: from.id });
  const below = await server.createTask({ title: "below", parent_id: above.id });
  await phone.store.sync();
  phone.offline = true;
  const { tasks } = phone.store;
  await tasks.complete(above.id, true, { subtasks: true });
  await tasks.complete(below.id, false);
  await tasks.move(above.id, { list_id: to.id });
  await tasks.update(below.id, { list_id: from.id, parent_id: null });
  phone.offline = false;
  await phone.store.sync();
  expect(await server.readTask(above.id)).toMatchObject({ completed: true, list_id: to.id });
  expect(await server.readTask(below.id)).toMatchObject({ completed: false, list_id: from.id, parent_id: null });
  expect(tasks.get(below.id)).toEqual(await server.readTask(below.id));
});

test("sync() sends what was written before it, saved or not", async () => {
  const user = newUser();
  const { store } = await device(sqlite, user);
  await store.sync();
  void store.tasks.create({ title: "t" });
  await store.sync();
  expect((await direct(sqlite, user).listTasks()).items).toEqual(store.tasks.list());
});

test("a tab that has missed something reads everything again", async () => {
  const user = newUser();
  const [one, two] = [await device(sqlite, user, { name: "missed" }), await device(sqlite, user, { name: "missed" })];
  await one.store.sync();
  await two.store.sync();
  one.offline = two.offline = true;
  const post = BroadcastChannel.prototype.postMessage;
  const lossy = vi.spyOn(BroadcastChannel.prototype, "postMessage").mockImplementation(function (this: BroadcastChannel, message) {
    if ((message as { type: string }).type !== "delta") post.call(this, message);
  });
  await one.store.tasks.create({ title: "not told" });
  lossy.mockRestore();
  await one.store.tasks.create({ title: "told" });
  await expect.poll(() => two.store.tasks.list({ sort: "title" })).toEqual(one.store.tasks.list({ sort: "title" }));
  expect(two.store.tasks.list()).toHaveLength(2);
});

test("rows that a page comes with can be written before the first pull, which says what is true of them", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  const list = await server.createList({ name: "l" });
  const [kept, purged] = [await server.createTask({ title: "t", list_id: list.id }), await server.createTask({ title: "purged" })];
  await server.deleteTask(purged.id, { permanent: true });
  let away = true;
  const fetching: typeof fetch = (input, init) => (away ? Promise.reject(new TypeError("offline")) : fetch(input, init));
  const phone = await device(sqlite, user, { seed: { tasks: [kept, purged], lists: [list] }, client: { fetch: fetching } });
  expect(phone.store.tasks.list({ sort: "created_at" })).toEqual([kept, purged]);
  expect(phone.store.lists.list()).toEqual([list]);
  await phone.store.tasks.complete(kept.id);
  await phone.restart();
  expect(phone.store.tasks.get(kept.id)).toMatchObject({ completed: true });
  const { title } = await server.updateTask(kept.id, { title: "u" });
  away = false;
  await phone.store.sync();
  const there = await server.readTask(kept.id);
  expect(there).toMatchObject({ title, completed: true });
  expect(phone.store.tasks.list()).toEqual([there]);
  // What is old by now brings nothing back.
  await server.deleteTask(kept.id, { permanent: true });
  await phone.store.sync();
  await phone.restart();
  expect(phone.store.tasks.list()).toEqual([]);
});

test("where a stream is lost and no other one is given, it is asked", async () => {
  const user = newUser();
  let full = false;
  const streams: { destroy: () => void }[] = [];
  const proxy = await selectiveProxy(sqlite, ({ path }) => (full && path.endsWith("/stream") ? refuses(429, "too_many_streams") : undefined), {
    onStream: (response) => streams.push(response),
  });
  const { store } = await device(proxy.url, user, { pollInterval: 50 });
  const server = direct(sqlite, user);
  const { id } = await server.createTask({ title: "t" });
  await expect.poll(() => store.tasks.get(id)).toBeDefined();
  await expect.poll(() => streams.length).toBe(1);
  // By now nothing is asked any more.
  await server.updateTask(id, { title: "told" });
  await expect.poll(() => store.tasks.get(id)?.title).toBe("told");
  full = true;
  streams[0]!.destroy();
  await expect.poll(() => proxy.requests.filter(({ path }) => path.endsWith("/stream")).length).toBeGreaterThan(1);
  await server.updateTask(id, { title: "asked" });
  await expect.poll(() => store.tasks.get(id)?.title).toBe("asked");
});

test("without IndexedDB a store can be kept in memory, by each tab for itself", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  const there = await server.createTask({ title: "there" });
  const [one, other] = [await device(sqlite, user, { name: "m", memory: true, seed: { tasks: [there] } }), await device(sqlite, user, { name: "m", memory: true })];
  expect(one.store.tasks.list()).toEqual([there]);
  await one.store.tasks.complete(there.id);
  await one.store.tasks.create({ title: "new" });
  await one.store.sync();
  await other.store.sync();
  // Each is told of what the other has written, and may be pulling it.
  expect(one.store.status).toMatchObject({ pending: 0, leader: true });
  expect(other.store.status).toMatchObject({ pending: 0, leader: true });
  expect(other.store.tasks.list({ sort: "created_at" })).toMatchObject([{ title: "there", completed: true }, { title: "new" }]);
  expect(one.store.tasks.list({ sort: "created_at" })).toEqual(other.store.tasks.list({ sort: "created_at" }));
  await server.updateTask(there.id, { title: "told" });
  await expect.poll(() => one.store.tasks.get(there.id)?.title).toBe("told");
  await one.store.wipe();
  expect(one.store.tasks.list()).toEqual([]);
  expect(other.store.tasks.list()).toHaveLength(2);
});
