import { randomUUID } from "node:crypto";
import { describe, expect, expectTypeOf, inject, test } from "vitest";
import { isProblem, SignedOut, type List, type ListFields, type ListMove, type ListPatch } from "../src/index.js";
import { clientOf, cutAfter, faultyProxy, refuses, rejection, twoPages } from "./support.js";

const MISSING = "01a1f894-c2d0-7aa1-9c54-2f6b8d0e4a17";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("a list is created, read, changed and deleted", async () => {
    const todoward = clientOf(url);
    const list = await todoward.createList({ name: " Groceries ", color: "#2E7D32", archived: undefined });
    expect(list).toMatchObject({ name: "Groceries", color: "#2e7d32", archived: false, deleted_at: null, version: 1 });
    expect(await todoward.readList(list.id)).toEqual(list);

    const changed = await todoward.updateList(list.id, { archived: true, color: null, name: undefined });
    expect(changed).toMatchObject({ name: "Groceries", color: null, archived: true, version: 2 });
    expect(await todoward.listLists()).toEqual({ items: [changed], next_cursor: null });

    await todoward.deleteList(list.id);
    expect(isProblem(await rejection(todoward.readList(list.id)), "list_not_found")).toBe(true);
  });

  test("every list is seen once, page by page", async () => {
    const todoward = clientOf(url);
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await todoward.createList({ name, archived: name > "c" });

    const first = await todoward.listLists({ limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(["a", "b"]);

    const pages = [];
    for await (const page of todoward.pagesOfLists({ limit: 2 })) pages.push(page.items.length);
    expect(pages).toEqual([2, 2, 1]);

    const seen = async (lists: AsyncIterable<List>) => {
      const found = [];
      for await (const { name } of lists) found.push(name);
      return found;
    };
    expect(await seen(todoward.lists({ limit: 2 }))).toEqual(names);
    expect(await seen(todoward.lists({ limit: 2, cursor: first.next_cursor ?? "" }))).toEqual(["c", "d", "e"]);
    expect(await seen(todoward.lists({ limit: 1, archived: true }))).toEqual(["d", "e"]);

    expect(await rejection(todoward.listLists({ cursor: "x" }))).toMatchObject({ status: 400, code: "invalid_cursor" });
    expect(await rejection(todoward.lists({ limit: 0 }).next())).toMatchObject({ code: "invalid_parameter" });
  });

  test("no page of lists is fetched for the user who comes next", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    for (const name of ["a", "b"]) await todoward.createList({ name });
    const begun = todoward.lists({ limit: 1 });
    await begun.next();
    const called = todoward.pagesOfLists({ limit: 1 });
    todoward.forget();
    proxy.requests.length = 0;
    for (const iterator of [begun, called]) expect(await rejection(iterator.next())).toBeInstanceOf(SignedOut);
    expect(proxy.requests).toEqual([]);
  });

  test("lists are moved among each other", async () => {
    const todoward = clientOf(url);
    const [a, b, c] = [
      await todoward.createList({ name: "a" }),
      await todoward.createList({ name: "b" }),
      await todoward.createList({ name: "c" }),
    ];
    const order = async () => (await todoward.listLists()).items.map(({ name }) => name).join("");
    expect(await todoward.moveList(c.id, { first: true })).toMatchObject({ name: "c", version: 2 });
    expect(await order()).toBe("cab");
    await todoward.moveList(c.id, { last: true }, { ifMatch: 2 });
    expect(await order()).toBe("abc");
    await todoward.moveList(a.id, { after: b.id });
    expect(await order()).toBe("bac");
    // It stands there already.
    expect(await todoward.moveList(b.id, { before: a.id }, { ifMatch: "seen" })).toMatchObject({ version: 1 });
    expect(await order()).toBe("bac");
  });

  test("a list that has not changed is not sent again", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const list = await todoward.createList({ name: "a" });
    expect(await todoward.readList(list.id)).toEqual(list);
    const moved = await todoward.updateList(list.id, { name: "b" });
    expect(await todoward.readList(list.id)).toEqual(moved);
    todoward.forget();
    expect(await todoward.readList(list.id)).toEqual(moved);
    expect(proxy.statuses).toEqual([201, 304, 200, 304, 200]);
  });

  test("a write on what was seen of a list fails if it has changed since", async () => {
    const [mine, other] = twoPages(url);
    const list = await mine.createList({ name: "a" });
    await other.updateList(list.id, { name: "b" });
    for (const ifMatch of ["seen", list, list.version] as const) {
      for (const write of [
        () => mine.updateList(list.id, { name: "c" }, { ifMatch }),
        () => mine.moveList(list.id, { first: true }, { ifMatch }),
        () => mine.deleteList(list.id, { ifMatch }),
        () => mine.deleteList(list.id, { ifMatch, permanent: true }),
      ]) {
        expect(await rejection(write())).toMatchObject({ status: 412, code: "version_mismatch", etag: '"2"' });
      }
    }
    expect(await mine.readList(list.id)).toMatchObject({ name: "b", version: 2 });
    await mine.deleteList(list.id, { ifMatch: "seen" });
    expect(await rejection(mine.restoreList(list.id, { ifMatch: 2 }))).toMatchObject({ status: 412, etag: '"3"' });
    expect(await mine.restoreList(list.id, { ifMatch: 3 })).toMatchObject({ deleted_at: null, version: 4 });
    const unseen = rejection(mine.updateList(MISSING, {}, { ifMatch: "seen" }));
    expect(await unseen).toMatchObject({ name: "TypeError", message: expect.stringContaining(`list ${MISSING}`) });
  });

  test("a list that is somebody else's or not there is refused", async () => {
    const todoward = clientOf(url);
    const { id: foreign } = await clientOf(url).createList({ name: "a" });
    for (const [id, status, code] of [
      [foreign, 403, "not_owner"],
      [MISSING, 404, "list_not_found"],
      ["../tags", 404, "list_not_found"],
    ] as const) {
      for (const call of [
        () => todoward.readList(id),
        () => todoward.updateList(id, { name: "b" }),
        () => todoward.moveList(id, { first: true }),
        () => todoward.deleteList(id),
        () => todoward.deleteList(id, { permanent: true }),
        () => todoward.restoreList(id),
      ]) {
        expect(await rejection(call())).toMatchObject({ status, code });
      }
    }
    // In the trash it is somebody else's as well.
    const other = clientOf(url);
    const { id } = await other.createList({ name: "a" });
    await other.deleteList(id);
    expect(await rejection(todoward.restoreList(id))).toMatchObject({ status: 403, code: "not_owner" });
  });

  test("every wrong field of a list is named", async () => {
    const todoward = clientOf(url);
    const { id } = await todoward.createList({ name: "a" });
    const wrong = { name: " ", color: "red" };
    for (const call of [() => todoward.createList(wrong), () => todoward.updateList(id, wrong)]) {
      const problem = await rejection(call());
      if (!isProblem(problem, "invalid_list")) throw problem;
      expect(problem.status).toBe(422);
      expect(Object.keys(problem.fieldErrors()).sort()).toEqual(["color", "name"]);
    }
    const colour = { name: "b", colour: "red" } as ListFields;
    expect(await rejection(todoward.createList(colour))).toMatchObject({ status: 422, code: "unknown_field" });
    for (const to of [{ before: MISSING }, {}, { first: true, after: id }] as ListMove[]) {
      expect(await rejection(todoward.moveList(id, to))).toMatchObject({ status: 422, code: "invalid_list" });
    }
    expect(await todoward.readList(id)).toMatchObject({ name: "a", version: 1 });
  });

  test("a list is made once, though the response was lost", async () => {
    const proxy = await faultyProxy(url, cutAfter);
    const todoward = clientOf(proxy.url);
    const list = await todoward.createList({ name: "a" });
    const idempotencyKey = `form-${randomUUID()}`;
    const again = await todoward.createList({ name: "b" }, { idempotencyKey });
    expect(await todoward.createList({ name: "b" }, { idempotencyKey })).toEqual(again);
    expect((await todoward.listLists()).items).toEqual([list, again]);
    // Tasks and lists share the keys of their owner.
    for (const call of [
      () => todoward.createList({ name: "c" }, { idempotencyKey }),
      () => todoward.createTask({ title: "b" }, { idempotencyKey }),
    ]) {
      expect(await rejection(call())).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    }
  });

  test("a conditional write of a list that was done, though nobody heard of it, is done", async () => {
    const lost = refuses(503, "database_unavailable", { done: true });
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createList({ name: "a" });
    proxy.next(lost);
    const patch = { name: "\u0085b ", color: "#AABBCC" };
    const stored = { name: "b", color: "#aabbcc", version: 2 };
    expect(await todoward.updateList(id, patch, { ifMatch: 1 })).toMatchObject(stored);
    proxy.next(lost);
    await todoward.deleteList(id, { ifMatch: "seen" });
    proxy.next(lost);
    expect(await todoward.restoreList(id, { ifMatch: 3 })).toMatchObject({ deleted_at: null, version: 4 });
    expect(await rejection(todoward.restoreList(id))).toMatchObject({ code: "list_not_found", outcomeUnknown: false });
  });
});

test("the types of lists say what is sent and received", () => {
  expectTypeOf<List["color"]>().toEqualTypeOf<string | null>();
  expectTypeOf<keyof ListFields>().toEqualTypeOf<"name" | "color" | "archived">();
  expectTypeOf<{ color: null }>().not.toExtend<ListFields>();
  expectTypeOf<{ color: null; name: undefined }>().toExtend<ListPatch>();
  expectTypeOf<{ after: string }>().toExtend<ListMove>();
  expectTypeOf<{ first: true; after: string }>().not.toExtend<ListMove>();
  expectTypeOf<{}>().not.toExtend<ListMove>();
});
