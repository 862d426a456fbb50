import { describe, expect, inject, test } from "vitest";
import { newId } from "../src/index.js";
import { type Conflict, openStore, type Rejection } from "../src/sync/index.js";
import { device, direct, newUser, selectiveProxy } from "./devices.js";
import { clientOf, cutAfter, cutBefore, type Fault, refuses, rejection, sign } from "./support.js";

const { sqlite, postgres } = inject("servers");

describe.each(Object.entries({ sqlite, postgres }))("on %s", (_engine, url) => {
  test("two devices that change different fields keep both", async () => {
    const user = newUser();
    const [phone, desk] = [await device(url, user), await device(url, user)];
    const { id } = await phone.store.tasks.create({ title: "t", description: "d" });
    await phone.store.sync();
    await desk.store.sync();
    phone.offline = desk.offline = true;
    await phone.store.tasks.update(id, { title: "of the phone", priority: "high" });
    await desk.store.tasks.update(id, { description: "of the desk" });
    phone.offline = desk.offline = false;
    await desk.store.sync();
    await phone.store.sync();
    await desk.store.sync();
    const both = { title: "of the phone", priority: "high", description: "of the desk", version: 3 };
    expect(phone.store.tasks.get(id)).toMatchObject(both);
    expect(desk.store.tasks.get(id)).toEqual(phone.store.tasks.get(id));
    expect(await direct(url, user).readTask(id)).toEqual(phone.store.tasks.get(id));
  });
});

/** A task that was changed on the server while the device was offline. */
async function changedElsewhere(elsewhere: object, options: Parameters<typeof device>[2] = {}) {
  const user = newUser();
  const phone = await device(sqlite, user, options);
  const server = direct(sqlite, user);
  const task = await server.createTask({ title: "base", tags: ["a", "b"] });
  await phone.store.sync();
  phone.offline = true;
  await server.updateTask(task.id, elsewhere);
  return { phone, server, id: task.id };
}

test("of a field that both have changed, the later write wins where the app does not say otherwise", async () => {
  const { phone, server, id } = await changedElsewhere({ title: "theirs", priority: "low" });
  await phone.store.tasks.update(id, { title: "mine" });
  phone.offline = false;
  await phone.store.sync();
  expect(await server.readTask(id)).toMatchObject({ title: "mine", priority: "low" });
});

test("the app may say which value a field gets", async () => {
  const conflicts: Conflict[] = [];
  const onConflict = (conflict: Conflict) => {
    conflicts.push(conflict);
    return Promise.resolve(`${String(conflict.remote)} and ${String(conflict.local)}`);
  };
  const { phone, server, id } = await changedElsewhere({ title: "theirs" }, { onConflict });
  await phone.store.tasks.update(id, { title: " mine " });
  phone.offline = false;
  await phone.store.sync();
  expect(conflicts).toMatchObject([{ kind: "task", id, field: "title", base: "base", local: "mine", remote: "theirs" }]);
  expect(await server.readTask(id)).toMatchObject({ title: "theirs and mine" });
  expect(phone.store.tasks.get(id)).toMatchObject({ title: "theirs and mine" });
});

test("what was preferred elsewhere is not overwritten by a later write of the same field", async () => {
  const onConflict = ({ remote }: Conflict) => remote;
  const { phone, server, id } = await changedElsewhere({ title: "theirs" }, { onConflict });
  await phone.store.tasks.update(id, { title: "mine" });
  await phone.store.tasks.update(id, { title: "mine too", description: "d" });
  phone.offline = false;
  await phone.store.sync();
  expect(await server.readTask(id)).toMatchObject({ title: "theirs", description: "d" });
  expect(phone.store.tasks.get(id)).toMatchObject({ title: "theirs", description: "d" });
});

test("later writes of a field are no conflict with earlier ones, whatever the server makes of them", async () => {
  const user = newUser();
  const conflicts: Conflict[] = [];
  const phone = await device(sqlite, user, { onConflict: (conflict) => void conflicts.push(conflict) });
  phone.offline = true;
  const { id } = await phone.store.tasks.create({ title: "  a  ", tags: ["x", "x"], due_date: "2026-12-01" });
  await phone.store.tasks.update(id, { title: " b ", recurrence: { rule: "FREQ=DAILY" } });
  await phone.store.tasks.update(id, { title: "c ", tags: ["x", " y "], due_date: null });
  await phone.store.tasks.update(id, { title: "d", recurrence: null, tags: [] });
  phone.offline = false;
  await phone.store.sync();
  expect(conflicts).toEqual([]);
  expect(phone.store.tasks.get(id)).toMatchObject({ title: "d", tags: [], due_date: null, recurrence: null });
  expect(phone.store.tasks.get(id)).toEqual(await direct(sqlite, user).readTask(id));
});

test("tags that both have added and removed are merged", async () => {
  const conflicts: Conflict[] = [];
  const onConflict = (conflict: Conflict) => void conflicts.push(conflict);
  const { phone, server, id } = await changedElsewhere({ tags: ["b", "c"] }, { onConflict });
  await phone.store.tasks.update(id, { tags: ["a", "b", "d"] });
  await phone.store.tasks.update(id, { tags: ["a", "d", "e"] });
  phone.offline = false;
  await phone.store.sync();
  expect((await server.readTask(id)).tags).toEqual(["c", "d", "e"]);
  expect(conflicts).toEqual([]);
});

test("what both have done is done once", async () => {
  const { phone, server, id } = await changedElsewhere({ title: "same", completed: true });
  await phone.store.tasks.update(id, { title: "same" });
  await phone.store.tasks.complete(id);
  phone.offline = false;
  await phone.store.sync();
  expect(await server.readTask(id)).toMatchObject({ title: "same", completed: true, version: 2 });
});

test("a delete goes before a change that was made elsewhere; the trash has it", async () => {
  const { phone, server, id } = await changedElsewhere({ title: "theirs" });
  await phone.store.tasks.delete(id);
  phone.offline = false;
  await phone.store.sync();
  expect((await server.listTasks({ trash: true })).items).toMatchObject([{ id, title: "theirs" }]);
  expect(phone.store.tasks.list({ trash: true })).toMatchObject([{ id, title: "theirs" }]);
});

test("what was deleted elsewhere meanwhile cannot be changed; it is handed back", async () => {
  const rejections: Rejection[] = [];
  const { phone, server, id } = await changedElsewhere({ title: "theirs" }, { onRejected: (one) => rejections.push(one) });
  await server.deleteTask(id);
  await phone.store.tasks.update(id, { title: "mine" });
  await phone.store.tasks.delete(id);
  phone.offline = false;
  await phone.store.sync();
  const problem = { status: 404, code: "task_not_found" };
  expect(rejections).toMatchObject([{ kind: "task", id, own: true, action: { patch: { title: "mine" } }, problem }]);
  expect(phone.store.tasks.list({ trash: true })).toMatchObject([{ id, title: "theirs" }]);
});

test("a refused write is taken back, and later ones go on from what was before", async () => {
  const user = newUser();
  const rejections: Rejection[] = [];
  const conflicts: Conflict[] = [];
  const onConflict = (conflict: Conflict) => void conflicts.push(conflict);
  const phone = await device(sqlite, user, { onRejected: (one) => rejections.push(one), onConflict });
  const { id } = await phone.store.tasks.create({ title: "t" });
  await phone.store.sync();
  phone.offline = true;
  await phone.store.tasks.update(id, { title: " ", tags: ["x"] });
  expect(phone.store.tasks.get(id)).toMatchObject({ title: "", tags: ["x"] });
  await phone.store.tasks.update(id, { title: "u" });
  const orphan = await phone.store.tasks.create({ title: "below nothing", parent_id: newId() });
  const child = await phone.store.tasks.create({ title: "below it", parent_id: orphan.id });
  phone.offline = false;
  await phone.store.sync();
  expect(phone.store.tasks.list()).toMatchObject([{ id, title: "u", tags: [], version: 2 }]);
  expect(rejections.map(({ id, problem }) => [id, problem.code])).toEqual([
    [id, "invalid_task"],
    [orphan.id, "invalid_task"],
    [child.id, "invalid_task"],
  ]);
  expect(rejections[0]?.problem.errors).toMatchObject([{ pointer: "/title" }]);
  expect(conflicts).toEqual([]);
});

test("every write is harmless when its response was lost, and when it was not done", async () => {
  for (const fault of [cutAfter, cutBefore, refuses(503, "database_unavailable", { done: true }), refuses(504, "deadline_exceeded")]) {
    const user = newUser();
    const faults: Fault[] = [];
    const proxy = await selectiveProxy(sqlite, ({ method }) => (method === "GET" ? undefined : faults.shift()));
    // The store alone repeats.
    const phone = await device(proxy.url, user, { client: { maxRetries: 0 } });
    const server = direct(sqlite, user);
    const { tasks, lists } = phone.store;
    const id = newId();
    const listId = newId();
    const writes: (() => Promise<unknown>)[] = [
      () => lists.create({ name: "l" }, { id: listId }),
      () => tasks.create({ title: "t" }, { id }),
      () => tasks.create({ title: "first", list_id: listId }),
      () => tasks.update(id, { title: "u", list_id: listId }),
      () => tasks.move(id, { first: true }),
      () => tasks.complete(id),
      () => tasks.complete(id, false),
      () => lists.update(listId, { name: "m" }),
      () => lists.move(listId, { last: true }),
      () => tasks.delete(id),
      () => tasks.restore(id),
      () => tasks.delete(id),
      () => tasks.delete(id, { permanent: true }),
      () => lists.delete(listId),
      () => lists.restore(listId),
    ];
    await phone.store.sync();
    for (const write of writes) {
      faults.push(fault);
      await write();
      await phone.store.sync().catch(() => phone.store.sync());
      expect(faults).toEqual([]);
    }
    expect(phone.store.status.pending).toBe(0);
    const there = await server.changes();
    expect(there.tasks).toMatchObject([{ title: "first" }]);
    expect(there.lists).toMatchObject([{ name: "m", deleted_at: null }]);
    expect(tasks.list()).toEqual(there.tasks);
    expect(lists.list()).toEqual(there.lists);
    phone.store.close();
  }
}, 120_000);

test("when the server's changes cannot be followed any more, the copy is replaced and the queue stays", async () => {
  const user = newUser();
  let reset = false;
  const proxy = await selectiveProxy(sqlite, ({ path }) => {
    if (!reset || !path.includes("/changes?since=")) return undefined;
    reset = false;
    return refuses(410, "sync_reset");
  });
  const phone = await device(proxy.url, user);
  const server = direct(sqlite, user);
  const [kept, ended] = [await server.createTask({ title: "kept" }), await server.createTask({ title: "ended" })];
  await phone.store.sync();
  phone.offline = true;
  const made = await phone.store.tasks.create({ title: "made offline" });
  await phone.store.tasks.update(kept.id, { priority: "high" });
  await server.updateTask(kept.id, { title: "kept, and changed" });
  await server.deleteTask(ended.id, { permanent: true });
  await phone.restart();
  const before = proxy.requests.length;
  // The first pull is told to start again, and is told no `gone`.
  reset = true;
  phone.offline = false;
  await phone.store.sync();
  const pulls = proxy.requests.slice(before).filter(({ path }) => path.startsWith("/api/v1/changes?"));
  expect(pulls.some(({ path }) => !path.includes("since"))).toBe(true);
  const titles = phone.store.tasks.list({ sort: "created_at" }).map(({ id, title, priority }) => [id, title, priority]);
  expect(titles).toEqual([
    [kept.id, "kept, and changed", "high"],
    [made.id, "made offline", "none"],
  ]);
  expect(phone.store.tasks.list({ sort: "created_at" })).toEqual((await server.changes()).tasks);
});

test("what ends between a reset and the new copy, is not in the new copy", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  const { id } = await server.createTask({ title: "t" });
  let resets = 0;
  const proxy = await selectiveProxy(sqlite, ({ method, path }) => {
    if (path.includes("/changes?since=") && resets++ === 0) {
      return async (response, forward) => {
        await phone.store.tasks.update(id, { title: "u" });
        await refuses(410, "sync_reset")(response, forward);
      };
    }
    if (method !== "PATCH") return undefined;
    return async (response, forward) => {
      const { status, headers, body } = await forward();
      await server.deleteTask(id, { permanent: true });
      response.writeHead(status, headers).end(body);
    };
  });
  const phone = await device(sqlite, user, { name: "reset" });
  await phone.store.sync();
  phone.store.close();
  const again = await device(proxy.url, user, { name: "reset" });
  phone.store = again.store;
  await again.store.sync();
  await again.store.sync();
  expect(resets).toBeGreaterThan(0);
  expect(again.store.tasks.list()).toEqual([]);
});

test("nobody else's token sends what is queued, and nobody else sees it", async () => {
  const [alice, bob] = [newUser(), newUser()];
  let signedIn = alice;
  const phone = await device(sqlite, alice, { name: "shared", client: { token: async () => sign(signedIn) } });
  await phone.store.sync();
  signedIn = bob;
  await phone.store.tasks.create({ title: "of alice" });
  expect(await rejection(phone.store.sync())).toMatchObject({ name: "SignedOut" });
  expect(phone.store.status).toMatchObject({ state: "signed_out", pending: 1 });
  const other = await device(sqlite, bob, { name: "shared" });
  await other.store.sync();
  expect(other.store.tasks.list()).toEqual([]);
  expect((await direct(sqlite, bob).listTasks()).items).toEqual([]);
  signedIn = alice;
  await phone.store.sync();
  expect((await direct(sqlite, alice).listTasks()).items).toMatchObject([{ title: "of alice" }]);
});

test("after wipe() nothing is left, and nothing goes on", async () => {
  const user = newUser();
  const phone = await device(sqlite, user, { name: "wiped" });
  await phone.store.tasks.create({ title: "t" });
  await phone.store.sync();
  phone.offline = true;
  const { id } = await phone.store.tasks.create({ title: "not sent" });
  await phone.store.wipe();
  expect(phone.store.tasks.list()).toEqual([]);
  expect(phone.store.status).toEqual({ state: "closed", pending: 0, leader: false });
  expect(await rejection(phone.store.tasks.create({ title: "u" }))).toMatchObject({ name: "StoreClosed" });
  expect(await rejection(phone.store.sync())).toMatchObject({ name: "StoreClosed" });
  expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(`wiped:${user}`);
  await phone.store.wipe();
  await phone.restart();
  expect(phone.store.tasks.get(id)).toBeUndefined();
  expect(phone.store.status.pending).toBe(0);
});

test("a client without a user, and a write of what is not here, are faults of the page", async () => {
  expect(await rejection(openStore({ client: clientOf(sqlite) }))).toBeInstanceOf(TypeError);
  const { store } = await device(sqlite, newUser());
  expect(await rejection(store.tasks.update(newId(), {}))).toBeInstanceOf(TypeError);
  const { id } = await store.tasks.create({ title: "t" });
  expect(await rejection(store.tasks.create({ title: "t" }, { id }))).toBeInstanceOf(TypeError);
  expect(await rejection(store.tasks.restore(id))).toBeInstanceOf(TypeError);
  await store.tasks.delete(id);
  expect(await rejection(store.tasks.update(id, { title: "u" }))).toBeInstanceOf(TypeError);
});
