import { describe, expect, expectTypeOf, inject, test } from "vitest";
import type { CountBy, CountGroup, Priority, TaskCount, Todoward } from "../src/index.js";
import { clientOf, rejection } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("tasks are counted, by each filter and in groups", async () => {
    const todoward = clientOf(url);
    const list = await todoward.createList({ name: "l" });
    const top = await todoward.createTask({ title: "a", priority: "high", tags: ["x", "y"], list_id: list.id });
    await todoward.createTask({ title: "b", parent_id: top.id, due_date: "2026-12-01" });
    await todoward.createTask({ title: "c", tags: ["x"], completed: true });

    expect(await todoward.countTasks()).toEqual({ count: 3 });
    expect(await todoward.countTasks({ completed: false, by: undefined })).toEqual({ count: 2 });
    expect(await todoward.countTasks({ q: "a", list: [list.id], tag: ["x", "y"] })).toEqual({ count: 1 });
    expect(await todoward.countTasks({ trash: true })).toEqual({ count: 0 });

    const groups = async (by: CountBy) =>
      (await todoward.countTasks({ by })).groups.map(({ key, count }) => `${key} ${count}`);
    expect(await groups("list")).toEqual([`${list.id} 2`, "inbox 1"]);
    expect(await groups("parent")).toEqual(["none 2", `${top.id} 1`]);
    expect(await groups("priority")).toEqual(["none 2", "high 1"]);
    expect(await groups("tag")).toEqual(["x 2", "y 1"]);
    expect(await groups("due_date")).toEqual(["none 2", "2026-12-01 1"]);
    expect(await groups("completed")).toEqual(["false 2", "true 1"]);
    expect(await todoward.countTasks({ by: "tag", completed: true })).toEqual({
      count: 1,
      groups: [{ key: "x", count: 1 }],
    });
  });

  test("a count by nothing that there is, or of a filter that is none, is refused", async () => {
    const todoward = clientOf(url);
    for (const query of [{ by: "size" as never }, { list: ["x"] }, { updated_after: "2026-12-01" }]) {
      expect(await rejection(todoward.countTasks(query))).toMatchObject({ status: 400, code: "invalid_parameter" });
    }
    const sorted = { sort: "title" } as object;
    expect(await rejection(todoward.countTasks(sorted))).toMatchObject({ status: 400, code: "unknown_parameter" });
  });
});

test("the types of a count follow from what is counted by", () => {
  const counted = (todoward: Todoward) => ({
    all: todoward.countTasks({ completed: false }),
    byPriority: todoward.countTasks({ by: "priority", completed: false }),
    byCompleted: todoward.countTasks({ by: "completed" }),
    byChoice: (by?: CountBy) => todoward.countTasks({ by }),
  });
  type Counted = ReturnType<typeof counted>;
  expectTypeOf<Awaited<Counted["all"]>>().toEqualTypeOf<{ count: number }>();
  type Groups<By extends CountBy> = { count: number; groups: CountGroup<By>[] };
  expectTypeOf<Awaited<Counted["byPriority"]>>().toEqualTypeOf<Groups<"priority">>();
  expectTypeOf<CountGroup<"priority">["key"]>().toEqualTypeOf<Priority>();
  expectTypeOf<Awaited<Counted["byCompleted"]>["groups"][0]["key"]>().toEqualTypeOf<"true" | "false">();
  expectTypeOf<CountGroup<"list">["key"]>().toEqualTypeOf<string>();
  expectTypeOf<Awaited<ReturnType<Counted["byChoice"]>>>().toEqualTypeOf<TaskCount<CountBy | undefined>>();
});
