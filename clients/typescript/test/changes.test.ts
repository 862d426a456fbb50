import { describe, expect, inject, test } from "vitest";
import { type Changes, isProblem, newId } from "../src/index.js";
import { clientOf, cutAfter, cutBefore, faultyProxy, refuses, rejection, twoPages } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("who follows next is told what has changed, and what is gone", async () => {
    const todoward = clientOf(url);
    const list = await todoward.createList({ name: "l" });
    const task = await todoward.createTask({ title: "t", list_id: list.id });
    const trashed = await todoward.createTask({ title: "u" });
    await todoward.deleteTask(trashed.id);
    const first = await todoward.changes();
    expect(first).toMatchObject({ lists: [list], more: false, gone: [] });
    expect(first.tasks).toHaveLength(2);
    expect(first.tasks.find(({ id }) => id === trashed.id)?.deleted_at).toEqual(expect.any(String));
    expect(await todoward.changes(first.next)).toMatchObject({ tasks: [], lists: [], gone: [], more: false });
    const changed = await todoward.updateTask(task.id, { title: "v" });
    await todoward.deleteTask(trashed.id, { permanent: true });
    const gone = [{ kind: "task", id: trashed.id }];
    expect(await todoward.changes(first.next)).toMatchObject({ tasks: [changed], lists: [], gone, more: false });
  });

  test("all pages are followed until there is no more", async () => {
    const todoward = clientOf(url);
    for (const title of ["a", "b", "c", "d", "e"]) await todoward.createTask({ title });
    const pages: Changes[] = [];
    for await (const page of todoward.pagesOfChanges(undefined, { limit: 2 })) pages.push(page);
    expect(pages.map(({ tasks }) => tasks.length)).toEqual([2, 2, 1]);
    expect(pages.map(({ more }) => more)).toEqual([true, true, false]);
    await todoward.createTask({ title: "f" });
    const later = todoward.pagesOfChanges(pages[2]!.next);
    expect((await later.next()).value).toMatchObject({ tasks: [{ title: "f" }] });
    expect((await later.next()).done).toBe(true);
  });

  test("a task that changes tell of is a task that was seen", async () => {
    const [mine, other] = twoPages(url);
    const { id } = await other.createTask({ title: "t" });
    await mine.changes();
    await other.updateTask(id, { title: "u" });
    expect(await rejection(mine.updateTask(id, { title: "v" }, { ifMatch: "seen" }))).toMatchObject({ status: 412 });
  });

  test("what is created with an id of the client's is created once, though the response was lost", async () => {
    const proxy = await faultyProxy(url, cutAfter, cutBefore);
    const todoward = clientOf(proxy.url);
    const id = newId();
    const task = await todoward.createTask({ title: " t ", tags: ["a"] }, { id });
    expect(task).toMatchObject({ id, title: "t", version: 1 });
    expect((await todoward.listTasks()).items).toEqual([task]);
    const list = await todoward.createList({ name: "l" }, { id });
    expect(list).toMatchObject({ id, name: "l" });
    // Here the first one is not this call's.
    expect(await rejection(todoward.createTask({ title: "t" }, { id }))).toMatchObject({ code: "version_mismatch" });
    expect(await rejection(todoward.createTask({ title: "t" }, { id: `${id.slice(0, 14)}4${id.slice(15)}` }))).toMatchObject({
      status: 422,
    });
  });
});

const { sqlite } = inject("servers");

test("a cursor that cannot be followed any more is a problem of its own", async () => {
  const proxy = await faultyProxy(sqlite, refuses(410, "sync_reset"));
  const error = await rejection(clientOf(proxy.url).changes("old"));
  expect(isProblem(error, "sync_reset") && error.status).toBe(410);
  expect(await rejection(clientOf(sqlite).changes("none"))).toMatchObject({ status: 400, code: "invalid_cursor" });
});

test("after forget() an iteration over changes does not go on as the next user", async () => {
  const todoward = clientOf(sqlite);
  for (const title of ["a", "b"]) await todoward.createTask({ title });
  const begun = todoward.pagesOfChanges(undefined, { limit: 1 });
  await begun.next();
  const notBegun = todoward.pagesOfChanges();
  todoward.forget();
  expect(await rejection(begun.next())).toMatchObject({ name: "SignedOut" });
  expect(await rejection(notBegun.next())).toMatchObject({ name: "SignedOut" });
});

test("new ids are UUIDv7, each behind the one before", () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual([...ids].sort());
  const time = parseInt(ids[0]!.replace("-", "").slice(0, 12), 16);
  expect(Math.abs(time - Date.now())).toBeLessThan(10_000);
});
