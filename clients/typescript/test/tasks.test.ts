import { randomUUID } from "node:crypto";
import { describe, expect, expectTypeOf, inject, test } from "vitest";
import {
  isProblem,
  SignedOut,
  type ListQuery,
  type Priority,
  type Task,
  type TaskFields,
  type TaskSort,
  type TaskSortKey,
} from "../src/index.js";
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

  test("filters of lists, parents, tags, dates and recurrence reach the server as well", async () => {
    const todoward = clientOf(url);
    const list = await todoward.createList({ name: "l" });
    const a = await todoward.createTask({ title: "a", list_id: list.id, tags: ["x"] });
    await todoward.createTask({ title: "b", parent_id: a.id, tags: ["y"] });
    const rent = { title: "c", due_date: "2026-12-01", recurrence: { rule: "FREQ=MONTHLY" } };
    await todoward.createTask(rent);
    const { completed_at } = await todoward.createTask({ title: "d", tags: ["x", "y"], completed: true });
    const done = completed_at ?? "";
    const found = async (query: ListQuery) => {
      const { items } = await todoward.listTasks({ sort: "title", ...query });
      return items.map(({ title }) => title).join("");
    };

    expect(await found({ list: [list.id] })).toBe("ab");
    expect(await found({ list: [list.id, "inbox"] })).toBe("abcd");
    expect(await found({ parent: ["none"] })).toBe("acd");
    expect(await found({ parent: [a.id] })).toBe("b");
    expect(await found({ any_tag: ["x", "y"] })).toBe("abd");
    expect(await found({ no_tag: ["x"] })).toBe("bc");
    expect([await found({ untagged: true }), await found({ untagged: false })]).toEqual(["c", "abd"]);
    expect([await found({ due: "any" }), await found({ due: "none" })]).toEqual(["c", "abd"]);
    expect([await found({ recurring: true }), await found({ recurring: false })]).toEqual(["c", "abd"]);
    expect([await found({ completed_after: done }), await found({ completed_before: done })]).toEqual(["d", ""]);
    expect(await found({ updated_after: "1999-12-31T23:59:59+01:00" })).toBe("abcd");
    expect([await found({ trash: true }), await found({ trash: false })]).toEqual(["", "abcd"]);
    expect(await rejection(found({ parent: ["x"], completed_after: "2026-12-01" }))).toMatchObject({
      code: "invalid_parameter",
      errors: expect.arrayContaining([
        expect.objectContaining({ parameter: "parent" }),
        expect.objectContaining({ parameter: "completed_after" }),
      ]),
    });
  });

  test("tasks are sorted by each key, and by several", async () => {
    const todoward = clientOf(url);
    await todoward.createTask({ title: "a", priority: "low", due_date: "2026-12-01" });
    await todoward.createTask({ title: "b", priority: "high", due_date: "2026-12-02" });
    await todoward.createTask({ title: "c", priority: "high", due_date: "2026-12-01" });
    const order = async (sort: ListQuery["sort"]) => {
      const titles = [];
      for await (const { title } of todoward.tasks({ sort, limit: 1 })) titles.push(title);
      return titles.join("");
    };
    const keys: Record<TaskSortKey, string> = {
      created_at: "abc",
      updated_at: "abc",
      completed_at: "abc",
      due_date: "acb",
      priority: "abc",
      title: "abc",
      position: "abc",
    };
    for (const [key, expected] of Object.entries(keys)) expect(await order(key as TaskSortKey), key).toBe(expected);
    expect(await order("-due_date")).toBe("bca");
    expect(await order(["-priority", "due_date"])).toBe("cba");
    expect(await order(["due_date", "-priority", "-title"])).toBe("cab");
    expect(await order([])).toBe("cba");
    for await (const { items } of todoward.pages({ sort: ["priority", "-title"], limit: 2 })) {
      expect(items.map(({ title }) => title).join("")).toMatch(/^(ac|b)$/);
    }
    for (const sort of [["title", "-title"], ["title", "priority", "due_date", "position"]] as TaskSort[][]) {
      expect(await rejection(order(sort))).toMatchObject({ status: 400, errors: [{ parameter: "sort" }] });
    }
  });

  test("a task has a list, a parent, a time and a recurrence", async () => {
    const todoward = clientOf(url);
    const { id: list_id } = await todoward.createList({ name: "l" });
    const { id: parent_id } = await todoward.createTask({ title: "t", list_id });
    const fields = { due_date: "2026-12-01", due_time: "09:30", time_zone: "Europe/Berlin" };
    const recurrence = { rule: "FREQ=WEEKLY", from: "completion" } as const;
    const task = await todoward.createTask({ title: "u", parent_id, ...fields, recurrence });
    expect(task).toMatchObject({ list_id, parent_id, ...fields, recurrence, due_at: "2026-12-01T08:30:00.000Z" });
    const changed = await todoward.updateTask(task.id, { parent_id: null, list_id: null, due_date: null });
    expect(changed).toMatchObject({ parent_id: null, list_id: null, due_time: null, due_at: null, recurrence: null });

    const wrong = { list_id: task.id, recurrence: { rule: "FREQ=HOURLY" }, time_zone: "Mars" };
    for (const call of [() => todoward.createTask({ title: "v", ...wrong }), () => todoward.updateTask(task.id, wrong)]) {
      expect(await rejection(call())).toMatchObject({ status: 422, code: "invalid_task" });
    }
    const foreign = { list_id: (await clientOf(url).createList({ name: "l" })).id };
    const problem = await rejection(todoward.createTask({ title: "v", ...foreign }));
    expect(problem).toMatchObject({ code: "invalid_task", errors: [{ pointer: "/list_id" }] });
  });

  test("a task is completed with those below it, and goes on from the user's today", async () => {
    const todoward = clientOf(url);
    const recurrence = { rule: "FREQ=DAILY" };
    const task = await todoward.createTask({ title: "t", due_date: "2026-12-01", recurrence });
    const below = await todoward.createTask({ title: "u", parent_id: task.id });
    const problem = await rejection(todoward.completeTask(task.id, false, { subtasks: true }));
    expect(problem).toMatchObject({ status: 422, code: "invalid_task", errors: [{ pointer: "/subtasks" }] });
    for (const options of [{ subtasks: true }, { on: "2026-12-05" }]) {
      expect(await rejection(todoward.completeTask(task.id, undefined, options))).toBeInstanceOf(TypeError);
    }
    const yesterday = await rejection(todoward.completeTask(task.id, true, { on: "yesterday" }));
    expect(yesterday).toMatchObject({ status: 422, errors: [{ pointer: "/on" }] });

    const done = await todoward.completeTask(task.id, true, { subtasks: true, on: "2026-12-05", ifMatch: "seen" });
    expect(done).toMatchObject({ completed: true, due_date: "2026-12-01", version: 2 });
    expect(await todoward.readTask(below.id)).toMatchObject({ completed: true });
    expect(await todoward.readTask(done.next_id ?? "")).toMatchObject({ completed: false, due_date: "2026-12-05" });
    expect(await todoward.completeTask(task.id, false, { subtasks: false })).toMatchObject({ next_id: null });
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
    // Where something else is, it is no task.
    expect(await rejection(todoward.readTask("count"))).toMatchObject({ name: "TodowardUnreachable" });
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
  expectTypeOf<{ title: string; recurrence: { rule: string } }>().toExtend<TaskFields>();
  expectTypeOf<ListQuery["limit"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<TaskSortKey>().toExtend<keyof Task>();
  expectTypeOf<["priority", "-due_date"]>().toExtend<ListQuery["sort"]>();
  expectTypeOf<"size">().not.toExtend<ListQuery["sort"]>();
});
