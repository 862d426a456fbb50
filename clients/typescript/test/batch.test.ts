import { describe, expect, inject, test } from "vitest";
import { type BatchOperation, isProblem, newId, type Task } from "../src/index.js";
import { clientOf, cutAfter, faultyProxy, refuses, rejection } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("many writes are done in one request, each seeing those before it", async () => {
    const todoward = clientOf(url);
    const id = newId();
    const [list, task, done, moved, renamed, deleted] = await todoward.batch([
      { method: "POST", path: "/lists", body: { name: "l" } },
      { method: "PUT", path: `/tasks/${id}`, headers: { "If-None-Match": "*" }, body: { title: "t", tags: ["a"] } },
      { method: "PATCH", path: `/tasks/${id}/complete`, headers: { "If-Match": '"1"' }, body: { completed: true } },
      { method: "POST", path: `/tasks/${id}/move`, body: { first: true } },
      { method: "PATCH", path: "/tags?name=a", body: { name: "b" } },
      { method: "DELETE", path: `/tasks/${id}` },
    ]);
    // The types say what each has.
    const title: string = task.body.title;
    const name: string = list.body.name;
    const changed: number = renamed.body.changed;
    const nothing: null = deleted.body;
    expect([title, name, changed, nothing]).toEqual(["t", "l", 1, null]);
    expect([list, task, done, moved, renamed, deleted].map(({ status }) => status)).toEqual([201, 201, 200, 200, 200, 204]);
    expect(done).toMatchObject({ headers: { ETag: '"2"' }, body: { id, completed: true } });
    expect(moved.body.id).toBe(id);
    expect((await todoward.listTasks({ trash: true })).items).toMatchObject([{ id, tags: ["b"] }]);
  });

  test("if one is refused, nothing is done, and it is said which one", async () => {
    const todoward = clientOf(url);
    const operations = [
      { method: "POST", path: "/tasks", body: { title: "t" } },
      { method: "POST", path: "/tasks", body: { title: " " } },
    ] as const satisfies BatchOperation[];
    const error = await rejection(todoward.batch(operations));
    expect(error).toMatchObject({ status: 422, code: "batch_refused", failed: 1, problem: { code: "invalid_task" } });
    expect((await todoward.listTasks()).items).toEqual([]);
    const [made, refused] = await todoward.batch(operations, { atomic: false });
    expect([made.status, refused.status]).toEqual([201, 422]);
    expect(refused.body).toMatchObject({ code: "invalid_task" });
    expect((await todoward.listTasks()).items).toEqual([made.body]);
  });

  test("a batch is repeated where each of its writes would be", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const create = { method: "POST", path: "/tasks", body: { title: "t" } } as const;
    proxy.next(cutAfter);
    const [made] = await todoward.batch([create]);
    expect(made.headers["Idempotency-Replayed"]).toBe("true");
    const tasks = (await todoward.listTasks()).items;
    expect(tasks).toEqual([made.body]);
    const requests = async (...operations: BatchOperation[]) => {
      const before = proxy.requests.length;
      proxy.next(refuses(503, "database_unavailable"));
      await todoward.batch(operations).catch(() => undefined);
      return proxy.requests.length - before;
    };
    const { id } = made.body as Task;
    const path = `/tasks/${id}` as const;
    expect(await requests({ method: "PATCH", path, headers: { "If-Match": '"1"' }, body: { title: "u" } }, create)).toBe(2);
    expect(await requests({ method: "PATCH", path, headers: { "If-Match": "*" }, body: { title: "v" } }, create)).toBe(1);
    expect(await requests({ method: "DELETE", path: "/tasks?completed=true" })).toBe(1);
  });

  test("what a batch has answered was seen", async () => {
    const todoward = clientOf(url);
    const { id } = await todoward.createTask({ title: "t" });
    await todoward.batch([{ method: "PATCH", path: `/tasks/${id}`, body: { title: "u" } }]);
    expect(await todoward.updateTask(id, { title: "v" }, { ifMatch: "seen" })).toMatchObject({ version: 3 });
  });
});

test("a batch that is none is a problem of its own", async () => {
  const error = await rejection(clientOf(inject("servers").sqlite).batch([]));
  expect(isProblem(error, "invalid_batch")).toBe(true);
});
