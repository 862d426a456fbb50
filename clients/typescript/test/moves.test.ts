import { describe, expect, expectTypeOf, inject, test } from "vitest";
import { isProblem, type TaskMove } from "../src/index.js";
import { clientOf, faultyProxy, refuses, rejection, twoPages } from "./support.js";

const MISSING = "01a1f894-ca3f-7267-b11f-7667b1bde221";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  const tasks = async () => {
    const todoward = clientOf(url);
    const create = async (title: string) => (await todoward.createTask({ title })).id;
    const [a, b, c] = [await create("a"), await create("b"), await create("c")];
    const order = async (list = "inbox", parent = "none") => {
      const { items } = await todoward.listTasks({ list: [list], parent: [parent], sort: "position" });
      return items.map(({ title }) => title).join("");
    };
    return { todoward, a, b, c, order };
  };

  test("tasks are moved among their siblings", async () => {
    const { todoward, a, b, c, order } = await tasks();
    expect(await order()).toBe("abc");
    expect(await todoward.moveTask(c, { first: true })).toMatchObject({ title: "c", version: 2 });
    expect(await order()).toBe("cab");
    await todoward.moveTask(c, { last: true }, { ifMatch: "seen" });
    expect(await order()).toBe("abc");
    await todoward.moveTask(a, { after: b });
    expect(await order()).toBe("bac");
    await todoward.moveTask(c, { before: a, list_id: undefined });
    expect(await order()).toBe("bca");
  });

  test("a task is moved below another one and into a list, and takes its subtasks along", async () => {
    const { todoward, a, b, c, order } = await tasks();
    expect(await todoward.moveTask(b, { parent_id: a })).toMatchObject({ parent_id: a, list_id: null, version: 2 });
    await todoward.moveTask(c, { parent_id: a, before: b });
    expect([await order(), await order("inbox", a)]).toEqual(["a", "cb"]);

    const list = await todoward.createList({ name: "l" });
    await todoward.createTask({ title: "d", list_id: list.id });
    expect(await todoward.moveTask(a, { list_id: list.id, first: true })).toMatchObject({ list_id: list.id, version: 2 });
    expect([await order(), await order(list.id), await order(list.id, a)]).toEqual(["", "ad", "cb"]);
    expect(await todoward.readTask(b)).toMatchObject({ list_id: list.id, version: 3 });

    await todoward.moveTask(c, { parent_id: null });
    await todoward.moveTask(b, { list_id: null });
    expect([await order(), await order(list.id)]).toEqual(["b", "adc"]);
  });

  test("a move that cannot be is refused", async () => {
    const { todoward, a, b, c, order } = await tasks();
    await todoward.moveTask(b, { parent_id: a });
    const refused: [TaskMove, string][] = [
      [{ list_id: MISSING }, "list_id"],
      [{ parent_id: MISSING }, "parent_id"],
      [{ parent_id: b }, "parent_id"],
      [{ before: MISSING }, "before"],
      [{ after: b }, "after"],
      [{}, ""],
    ];
    for (const [to, field] of refused) {
      const problem = await rejection(todoward.moveTask(a, to));
      if (!isProblem(problem, "invalid_task")) throw problem;
      expect(problem.status).toBe(422);
      expect(Object.keys(problem.fieldErrors())).toEqual([field]);
    }
    const twoPlaces = { first: true, after: c } as never;
    expect(await rejection(todoward.moveTask(a, twoPlaces))).toMatchObject({ status: 422, code: "invalid_task" });
    expect(await order()).toBe("ac");

    const { id: foreign } = await clientOf(url).createTask({ title: "t" });
    const first = { first: true } as const;
    expect(await rejection(todoward.moveTask(foreign, first))).toMatchObject({ status: 403, code: "not_owner" });
    expect(await rejection(todoward.moveTask(MISSING, first))).toMatchObject({ status: 404, code: "task_not_found" });
  });

  test("a move of what was seen fails if it has changed since", async () => {
    const [mine, other] = twoPages(url);
    const task = await mine.createTask({ title: "t" });
    await other.updateTask(task.id, { title: "u" });
    for (const ifMatch of ["seen", task, task.version] as const) {
      const problem = await rejection(mine.moveTask(task.id, { first: true }, { ifMatch }));
      expect(problem).toMatchObject({ status: 412, code: "version_mismatch", etag: '"2"', outcomeUnknown: false });
    }
  });

  test("of a move whose response was lost nobody can say whether it is the one in the way", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    await todoward.createTask({ title: "a" });
    const { id } = await todoward.createTask({ title: "b" });
    proxy.next(refuses(503, "database_unavailable", { done: true }));
    const problem = await rejection(todoward.moveTask(id, { first: true }, { ifMatch: 1 }));
    expect(problem).toMatchObject({ code: "version_mismatch", etag: '"2"', outcomeUnknown: true });
  });
});

test("the types of a move allow one place, and none with a list or a parent", () => {
  expectTypeOf<{ list_id: null }>().toExtend<TaskMove>();
  expectTypeOf<{ parent_id: string; last: true }>().toExtend<TaskMove>();
  expectTypeOf<{ before: string }>().toExtend<TaskMove>();
  expectTypeOf<{ before: string; after: string }>().not.toExtend<TaskMove>();
  expectTypeOf<{ first: false }>().not.toExtend<TaskMove>();
});
