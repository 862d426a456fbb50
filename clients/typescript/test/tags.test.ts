import { describe, expect, inject, test } from "vitest";
import { clientOf, rejection } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("tags are listed, renamed and taken off", async () => {
    const todoward = clientOf(url);
    const { id } = await todoward.createTask({ title: "a", tags: ["home", "a&b/.. ü"] });
    await todoward.createTask({ title: "b", tags: ["home", "house"], completed: true });
    expect(await todoward.listTags()).toEqual([
      { name: "a&b/.. ü", open: 1, total: 1 },
      { name: "home", open: 1, total: 2 },
      { name: "house", open: 0, total: 1 },
    ]);

    expect(await todoward.renameTag("home", "house")).toBe(2);
    expect(await todoward.renameTag("home", "house")).toBe(0);
    expect(await todoward.renameTag("a&b/.. ü", " + ")).toBe(1);
    expect(await todoward.readTask(id)).toMatchObject({ tags: ["house", "+"], version: 3 });
    expect(await todoward.deleteTag("+")).toBe(1);
    expect(await todoward.deleteTag("+")).toBe(0);
    expect(await todoward.listTags()).toEqual([{ name: "house", open: 1, total: 2 }]);
  });

  test("what no tag can be is refused", async () => {
    const todoward = clientOf(url);
    await todoward.createTask({ title: "a", tags: ["home"] });
    const parameter = { status: 400, code: "invalid_parameter" };
    expect(await rejection(todoward.renameTag("", "house"))).toMatchObject(parameter);
    expect(await rejection(todoward.deleteTag(""))).toMatchObject(parameter);
    for (const name of [" ", "x".repeat(61)]) {
      const problem = await rejection(todoward.renameTag("home", name));
      expect(problem).toMatchObject({ status: 422, code: "invalid_tag", errors: [{ pointer: "/name" }] });
    }
    expect(await todoward.listTags()).toEqual([{ name: "home", open: 1, total: 1 }]);
  });
});
