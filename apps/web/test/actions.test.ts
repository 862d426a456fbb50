// The actions on a real copy, in memory and without a network; what another device does is written into it directly.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Todoward } from "todoward-client";
import { openStore } from "todoward-client/sync";
import { makeActions } from "../lib/actions.ts";
import { LocalRows } from "../lib/rows.ts";
import { UserStorage } from "../lib/storage.ts";
import { Toasts } from "../lib/toasts.ts";
import { Undo } from "../lib/undo.ts";

// There is neither IndexedDB nor a page here.
Object.assign(globalThis, { window: new EventTarget() });
console.warn = () => undefined;
const ends: (() => void)[] = [];
after(() => ends.forEach((end) => end()));

async function started(first: ConstructorParameters<typeof LocalRows>[0]["first"] = null) {
  const client = new Todoward({ baseUrl: "http://127.0.0.1:9", user: "ada", token: async () => "t", fetch: () => Promise.reject(new TypeError("offline")) });
  const rows = new LocalRows({ connect: async () => client, settings: new UserStorage("ada"), first, onConflict: () => undefined, onRejected: () => undefined, onGone: () => undefined });
  const [undo, toasts] = [new Undo(), new Toasts()];
  const actions = makeActions({ rows, undo, toasts, today: () => "2026-11-30", onCompleted: () => undefined });
  const end = rows.start();
  ends.push(() => {
    end();
    for (const { id } of toasts.get()) toasts.close(id);
  });
  return { rows, undo, toasts, actions, task: (id: string) => rows.get().byId.get(id) };
}

async function opened(first?: Parameters<typeof started>[0]) {
  const all = await started(first);
  const copy = await new Promise<Parameters<Parameters<LocalRows["write"]>[0]>[0]>((resolve) => all.rows.write(resolve));
  return { ...all, copy };
}

test("what is done before the copy is open is done when it is, and counts as waiting until then", async () => {
  const { rows, actions, task } = await started();
  const id = actions.add({ title: "early" });
  assert.equal(rows.status().pending, 1);
  await new Promise<void>((done) => rows.write(() => done()));
  assert.equal(task(id)?.title, "early");
  assert.equal(rows.unavailable, "storage");
});

test("rows that the page came with can be completed before anything was pulled", async () => {
  const other = await openStore({ client: new Todoward({ baseUrl: "http://127.0.0.1:9", user: "eve", token: async () => "t", fetch: () => Promise.reject(new TypeError()) }), memory: true });
  const there = await other.tasks.create({ title: "there" });
  other.close();
  const { actions, task } = await opened({ tasks: [there], lists: [], all: true });
  actions.complete(there.id);
  assert.equal(task(there.id)?.completed, true);
  actions.undo();
  assert.equal(task(there.id)?.completed, false);
});

test("undo takes back what is still as it was left, and nothing that another device has written since", async () => {
  const { actions, copy, toasts, task } = await opened();
  const id = actions.add({ title: "t", priority: "low" });
  actions.update(id, { title: "mine", priority: "high" });
  void copy.tasks.update(id, { title: "theirs" });
  actions.undo();
  assert.deepEqual([task(id)?.title, task(id)?.priority], ["theirs", "low"]);
  actions.update(id, { title: "mine" });
  void copy.tasks.update(id, { title: "theirs again" });
  actions.undo();
  assert.equal(task(id)?.title, "theirs again");
  assert.match(toasts.get().at(-1)!.text, /can’t be undone any more/);
});

test("undo of several changes of a field leads back one by one", async () => {
  const { actions, task } = await opened();
  const id = actions.add({ title: "a" });
  actions.update(id, { title: "b" });
  actions.update(id, { title: "c1" }, { key: "typing" });
  actions.update(id, { title: "c2" }, { key: "typing" });
  const titles = [0, 1].map(() => (actions.undo(), task(id)?.title));
  assert.deepEqual(titles, ["b", "a"]);
});

test("undo of tags takes back these, and leaves those of another device", async () => {
  const { actions, copy, task } = await opened();
  const id = actions.add({ title: "t", tags: ["a", "b"] });
  actions.update(id, { tags: ["b", "c"] });
  void copy.tasks.update(id, { tags: ["b", "c", "d"] });
  actions.undo();
  assert.deepEqual(task(id)?.tags, ["b", "d", "a"]);
  actions.update(id, { tags: ["d"] });
  actions.undo();
  assert.deepEqual(task(id)?.tags, ["b", "d", "a"]);
});

test("undo of a due date that was removed brings back its time and repetition", async () => {
  const { actions, copy, task } = await opened();
  const due = { due_date: "2026-12-01", due_time: "09:00", time_zone: "Europe/Vienna", recurrence: { rule: "FREQ=DAILY", from: "due" as const } };
  const id = actions.add({ title: "t", ...due });
  actions.update(id, { due_date: null });
  assert.equal(task(id)?.recurrence, null);
  actions.undo();
  const { due_date, due_time, time_zone, recurrence } = task(id)!;
  assert.deepEqual({ due_date, due_time, time_zone, recurrence }, due);
  // Another device has given it another day: that one has its own time.
  actions.update(id, { due_date: null });
  void copy.tasks.update(id, { due_date: "2027-01-01" });
  actions.undo();
  assert.deepEqual([task(id)?.due_date, task(id)?.due_time, task(id)?.recurrence], ["2027-01-01", null, null]);
  // A time that another device has added stays where only the day was changed.
  actions.update(id, { due_date: "2027-01-02" });
  void copy.tasks.update(id, { due_time: "10:00" });
  actions.undo();
  assert.deepEqual([task(id)?.due_date, task(id)?.due_time], ["2027-01-01", "10:00"]);
});

test("undo of a move leaves a task that another device has moved on", async () => {
  const { actions, copy, task, rows } = await opened();
  const [home, work] = [actions.addList({ name: "Home" }), actions.addList({ name: "Work" })];
  const [one, two] = [actions.add({ title: "one" }), actions.add({ title: "two" })];
  actions.move([one, two], { list_id: home });
  void copy.tasks.move(two, { list_id: work });
  actions.undo();
  assert.deepEqual([task(one)?.list_id, task(two)?.list_id], [null, work]);
  actions.updateList(home, { name: "House" });
  void copy.lists.update(home, { name: "Theirs" });
  actions.undo();
  assert.equal(rows.get().listById.get(home)?.name, "Theirs");
});

test("whoever signs out before the copy is open leaves none", async () => {
  const { rows, actions } = await started();
  actions.add({ title: "early" });
  await rows.wipe();
  assert.deepEqual([rows.status().state, rows.status().pending, rows.get().tasks], ["closed", 0, []]);
});
