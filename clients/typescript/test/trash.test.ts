import { describe, expect, inject, test } from "vitest";
import { isProblem } from "../src/index.js";
import { clientOf, faultyProxy, refuses, rejection, twoPages } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("a task comes back from the trash with what went with it", async () => {
    const todoward = clientOf(url);
    const task = await todoward.createTask({ title: "t" });
    const below = await todoward.createTask({ title: "u", parent_id: task.id });
    await todoward.deleteTask(task.id);
    const { items } = await todoward.listTasks({ trash: true, sort: "title" });
    expect(items).toMatchObject([{ id: task.id, version: 2 }, { id: below.id, version: 2 }]);
    expect(items[0]?.deleted_at).toEqual(expect.any(String));
    // A list of the trash is a response about it, too.
    const restored = await todoward.restoreTask(task.id, { ifMatch: "seen" });
    expect(restored).toMatchObject({ id: task.id, deleted_at: null, version: 3 });
    expect(await todoward.readTask(below.id)).toMatchObject({ parent_id: task.id, deleted_at: null, version: 3 });
    expect((await todoward.listTasks({ trash: true })).items).toEqual([]);
  });

  test("a list comes back from the trash with its tasks", async () => {
    const todoward = clientOf(url);
    const list = await todoward.createList({ name: "l" });
    const { id } = await todoward.createTask({ title: "t", list_id: list.id });
    await todoward.deleteList(list.id);
    expect(await todoward.listLists({ trash: true })).toMatchObject({ items: [{ id: list.id, version: 2 }] });
    expect(await rejection(todoward.readTask(id))).toMatchObject({ code: "task_not_found" });
    expect(await todoward.restoreList(list.id)).toMatchObject({ name: "l", deleted_at: null, version: 3 });
    expect(await todoward.readTask(id)).toMatchObject({ list_id: list.id });
  });

  test("the trash is seen page by page, the last deleted first", async () => {
    const todoward = clientOf(url);
    for (const title of ["a", "b", "c"]) {
      await todoward.deleteTask((await todoward.createTask({ title })).id);
      await todoward.deleteList((await todoward.createList({ name: title })).id);
    }
    const seen = [];
    for await (const { title } of todoward.tasks({ trash: true, limit: 2 })) seen.push(title);
    for await (const { name } of todoward.lists({ trash: true, limit: 2 })) seen.push(name);
    expect(seen).toEqual(["c", "b", "a", "c", "b", "a"]);
  });

  test("what is deleted for good does not come back", async () => {
    const todoward = clientOf(url);
    const [inTrash, alive] = [await todoward.createTask({ title: "t" }), await todoward.createTask({ title: "u" })];
    await todoward.deleteTask(inTrash.id, { permanent: false });
    await todoward.deleteTask(inTrash.id, { permanent: true, ifMatch: 2 });
    await todoward.deleteTask(alive.id, { permanent: true, ifMatch: "seen" });
    expect((await todoward.listTasks({ trash: true })).items).toEqual([]);
    for (const { id } of [inTrash, alive]) {
      for (const call of [() => todoward.restoreTask(id), () => todoward.deleteTask(id, { permanent: true })]) {
        expect(await rejection(call())).toMatchObject({ status: 404, code: "task_not_found" });
      }
    }

    const list = await todoward.createList({ name: "l" });
    await todoward.createTask({ title: "t", list_id: list.id });
    await todoward.deleteList(list.id);
    await todoward.deleteList(list.id, { permanent: true });
    expect(await rejection(todoward.restoreList(list.id))).toMatchObject({ status: 404, code: "list_not_found" });
    expect((await todoward.listTasks({ trash: true })).items).toEqual([]);
  });

  test("the trash is emptied, and what was in it counted", async () => {
    const todoward = clientOf(url);
    const { id: top } = await todoward.createTask({ title: "a" });
    await todoward.createTask({ title: "b", parent_id: top });
    await todoward.deleteTask(top);
    const list = await todoward.createList({ name: "l" });
    await todoward.deleteList(list.id);
    const kept = await todoward.createTask({ title: "kept" });
    expect(await todoward.emptyTaskTrash()).toBe(2);
    expect((await todoward.listLists({ trash: true })).items).toHaveLength(1);
    expect(await todoward.emptyListTrash()).toBe(1);
    expect([await todoward.emptyTaskTrash(), await todoward.emptyListTrash()]).toEqual([0, 0]);
    expect(isProblem(await rejection(todoward.restoreList(list.id)), "list_not_found")).toBe(true);
    expect((await todoward.listTasks()).items).toEqual([kept]);
  });

  test("completed tasks are cleared as the user saw them", async () => {
    const todoward = clientOf(url);
    const { id } = await todoward.createTask({ title: "early" });
    const { completed_at } = await todoward.completeTask(id, true);
    const completedBefore = completed_at ?? "";
    // That instant itself is not before it.
    expect(await todoward.clearCompleted({ completedBefore })).toBe(0);
    expect(await todoward.clearCompleted({ completedBefore: "2999-01-01T00:00:00+01:00" })).toBe(1);
    expect((await todoward.listTasks({ trash: true })).items).toMatchObject([{ id }]);
    const problem = await rejection(todoward.clearCompleted({ completedBefore: "2026-12-01" }));
    expect(problem).toMatchObject({ status: 400, code: "invalid_parameter" });
  });

  test("a task is deleted and restored as it was seen, by its owner", async () => {
    const [mine, other] = twoPages(url);
    const task = await mine.createTask({ title: "t" });
    const stranger = clientOf(url);
    const foreign = { status: 403, code: "not_owner" };
    const changed = (etag: string) => ({ status: 412, code: "version_mismatch", etag, outcomeUnknown: false });

    expect(await rejection(mine.restoreTask(task.id))).toMatchObject({ status: 404, code: "task_not_found" });
    await other.updateTask(task.id, { title: "u" });
    const permanently = { permanent: true, ifMatch: task };
    expect(await rejection(mine.deleteTask(task.id, permanently))).toMatchObject(changed('"2"'));
    expect(await rejection(stranger.deleteTask(task.id, { permanent: true }))).toMatchObject(foreign);

    await other.deleteTask(task.id);
    for (const ifMatch of ["seen", task, task.version] as const) {
      expect(await rejection(mine.restoreTask(task.id, { ifMatch }))).toMatchObject(changed('"3"'));
    }
    expect(await rejection(stranger.restoreTask(task.id))).toMatchObject(foreign);
    expect(await mine.restoreTask(task.id, { ifMatch: 3 })).toMatchObject({ version: 4 });
  });

  test("what was restored or deleted for good, though nobody heard of it, is done", async () => {
    const lost = refuses(503, "database_unavailable", { done: true });
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    await todoward.deleteTask(id);
    proxy.next(lost);
    expect(await todoward.restoreTask(id)).toMatchObject({ id, deleted_at: null, version: 3 });
    await todoward.deleteTask(id);
    proxy.next(lost);
    expect(await todoward.restoreTask(id, { ifMatch: 4 })).toMatchObject({ version: 5 });
    proxy.next(lost);
    await todoward.deleteTask(id, { permanent: true, ifMatch: 5 });
    proxy.next(refuses(503, "database_unavailable"));
    expect(await rejection(todoward.restoreTask(id))).toMatchObject({ code: "task_not_found", outcomeUnknown: true });
  });
});
