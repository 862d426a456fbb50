import { randomUUID } from "node:crypto";
import { describe, expect, expectTypeOf, inject, test } from "vitest";
import { isProblem, SignedOut, type ListQuery, type Priority, type Task, type TaskFields } from "../src/index.js";
import { clientOf, faultyProxy, rejection, sign } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("a task is created, read, changed, completed and deleted", async () => {
    const todoward = clientOf(url);
    const task = await todoward.createTask({ title: " Pay rent ", due_date: "2026-12-01", tags: ["home"] });
    expect(task).toMatchObject({ title: "Pay rent", due_date: "2026-12-01", tags: ["home"], version: 1 });
    expect(task).toMatchObject({ description: null, completed: false, completed_at: null, priority: "none" });
    expect(new Date(task.created_at).toISOString()).toBe(task.created_at);
    expect(await todoward.readTask(task.id)).toEqual(task);

    const changed = await todoward.updateTask(task.id, { due_date: null, priority: "high", title: undefined });
    expect(changed).toMatchObject({ title: "Pay rent", due_date: null, priority: "high", version: 2 });

    expect(await todoward.completeTask(task.id, true)).toMatchObject({ completed: true, version: 3 });
    expect(await todoward.completeTask(task.id, true)).toMatchObject({ completed: true, version: 3 });
    expect(await todoward.completeTask(task.id)).toMatchObject({ completed: false, version: 4 });
    expect(await todoward.completeTask(task.id)).toMatchObject({ completed: true, version: 5 });

    await todoward.deleteTask(task.id);
    expect(isProblem(await rejection(todoward.readTask(task.id)), "task_not_found")).toBe(true);
  });

  test("every task is seen once, page by page", async () => {
    const todoward = clientOf(url);
    const titles = ["a", "b", "c", "d", "e"];
    for (const title of titles) await todoward.createTask({ title });

    const first = await todoward.listTasks({ sort: "title", limit: 2 });
    expect(first.items.map((task) => task.title)).toEqual(["a", "b"]);
    expect(first.next_cursor).toEqual(expect.any(String));

    const pages = [];
    for await (const page of todoward.pages({ sort: "title", limit: 2 })) pages.push(page.items.length);
    expect(pages).toEqual([2, 2, 1]);

    const seen = [];
    for await (const task of todoward.tasks({ sort: "title", limit: 2 })) seen.push(task.title);
    expect(seen).toEqual(titles);

    const rest = [];
    for await (const task of todoward.tasks({ sort: "title", limit: 2, cursor: first.next_cursor ?? "" })) {
      rest.push(task.title);
    }
    expect(rest).toEqual(["c", "d", "e"]);
  });

  test("no page is fetched for the user who comes next", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    for (const title of ["a", "b", "c"]) await todoward.createTask({ title });
    for (const call of [() => todoward.pages({ limit: 1 }), () => todoward.tasks({ limit: 1 })]) {
      const begun = call();
      await begun.next();
      // Called for the last user, too, although nothing has been asked for yet.
      const called = call();
      todoward.forget();
      proxy.requests.length = 0;
      for (const iterator of [begun, called]) expect(await rejection(iterator.next())).toBeInstanceOf(SignedOut);
      expect(proxy.requests).toEqual([]);
    }
  });

  test("no page is fetched with the token of a user who has signed in meanwhile", async () => {
    const proxy = await faultyProxy(url);
    let user = `first-${randomUUID()}`;
    const todoward = clientOf(proxy.url, { token: async () => sign(user) });
    for (const title of ["a", "b", "c"]) await todoward.createTask({ title });
    const begun = todoward.tasks({ limit: 1 });
    await begun.next();
    user = `next-${randomUUID()}`;
    proxy.requests.length = 0;
    expect(await rejection(begun.next())).toBeInstanceOf(SignedOut);
    expect(proxy.requests).toEqual([]);
  });

  test("pages are fetched as they are asked for", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    for (const title of ["a", "b", "c"]) await todoward.createTask({ title });
    proxy.requests.length = 0;
    for await (const task of todoward.tasks({ limit: 1 })) {
      if (task.title === "b") break;
    }
    expect(proxy.requests).toHaveLength(2);
  });

  test("filters and searches reach the server as they were meant", async () => {
    const todoward = clientOf(url);
    await todoward.createTask({ title: "100% of a&b + ü", priority: "high", tags: ["x y", "z"], due_date: "2026-01-02" });
    await todoward.createTask({ title: "other", priority: "low", tags: ["z"], completed: true });
    await todoward.createTask({ title: "third", tags: [] });
    const found = async (query: ListQuery) =>
      (await todoward.listTasks({ sort: "title", ...query })).items.map((task) => task.title.split(" ")[0]);

    expect(await found({ q: "% OF A&B + Ü" })).toEqual(["100%"]);
    expect(await found({ priority: ["high", "low"] })).toEqual(["100%", "other"]);
    expect(await found({ tag: ["z", "x y"] })).toEqual(["100%"]);
    expect(await found({ completed: true })).toEqual(["other"]);
    expect(await found({ completed: false })).toEqual(["100%", "third"]);
    expect(await found({ due_after: "2026-01-02", due_before: "2026-01-03" })).toEqual(["100%"]);
    expect(await found({ q: undefined, completed: undefined, priority: [] })).toEqual(["100%", "other", "third"]);
  });

  test("the completed ones are cleared, and counted", async () => {
    const todoward = clientOf(url);
    for (const completed of [true, false, true]) await todoward.createTask({ title: "t", completed });
    expect(await todoward.clearCompleted()).toBe(2);
    expect((await todoward.listTasks()).items).toHaveLength(1);
  });

  test("an id that is made of other characters stays in its segment", async () => {
    const todoward = clientOf(url);
    const kept = await todoward.createTask({ title: "kept", completed: true });
    for (const id of ["../tasks?completed=true", "", ".", `${kept.id}/`, `${kept.id}#`]) {
      expect(await rejection(todoward.deleteTask(id))).toMatchObject({ status: 404 });
    }
    expect(await todoward.readTask(kept.id)).toEqual(kept);
  });
});

test("members of a newer server are kept", async () => {
  const proxy = await faultyProxy(inject("servers").sqlite, async (response, forward) => {
    const { headers, body } = await forward();
    const text = JSON.stringify({ ...JSON.parse(body), colour: "red" });
    response.writeHead(201, { ...headers, "content-length": Buffer.byteLength(text) }).end(text);
  });
  const todoward = clientOf(proxy.url);
  const task = await todoward.createTask({ title: "t" });
  expect(task).toMatchObject({ title: "t", colour: "red" });
  // Not modified: what was kept, with all of its members, and each time a copy of it.
  task.title = "changed by the page";
  const again = await todoward.readTask(task.id);
  expect(again).toMatchObject({ title: "t", colour: "red" });
  again.title = "changed by the page";
  expect(await todoward.readTask(task.id)).toMatchObject({ title: "t", colour: "red" });
  expect(proxy.statuses).toEqual([201, 304, 304]);
});

test("the types say what is sent and received", () => {
  expectTypeOf<Task["due_date"]>().toEqualTypeOf<string | null>();
  expectTypeOf<Task["created_at"]>().toEqualTypeOf<string>();
  expectTypeOf<Task["completed_at"]>().toEqualTypeOf<string | null>();
  expectTypeOf<Task["version"]>().toEqualTypeOf<number>();
  expectTypeOf<Priority>().toEqualTypeOf<"none" | "low" | "medium" | "high">();
  expectTypeOf<{ title: string; due_date: undefined }>().toExtend<TaskFields>();
  expectTypeOf<{ due_date: null }>().not.toExtend<TaskFields>();
  expectTypeOf<keyof TaskFields>().toEqualTypeOf<
    | "title"
    | "description"
    | "completed"
    | "priority"
    | "due_date"
    | "due_time"
    | "time_zone"
    | "recurrence"
    | "tags"
    | "list_id"
    | "parent_id"
  >();
  expectTypeOf<ListQuery["limit"]>().toEqualTypeOf<number | undefined>();
});
