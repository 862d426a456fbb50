import { createServer } from "node:http";
import { expect, inject, test } from "vitest";
import type { TodowardOptions } from "../src/index.js";
import { reactNative } from "./react-native/runtime.js";
import { faultyProxy, listening, never, refuses, rejection, sign } from "./support.js";

const url = inject("servers").sqlite;
const { AbortController, newIdempotencyKey, Todoward } = await reactNative();

let users = 0;
const clientOf = (baseUrl: string, options: Partial<TodowardOptions> = {}) => {
  const user = `native-${process.pid}-${(users += 1)}`;
  return new Todoward({ baseUrl, user, token: async () => sign(user), ...options });
};

test("on React Native every call works", async () => {
  const proxy = await faultyProxy(url, refuses(503, "overloaded"));
  const todoward = clientOf(proxy.url);
  const task = await todoward.createTask({ title: "\u0085Buy milk\u3000", tags: ["é"] });
  expect(task).toMatchObject({ title: "Buy milk", version: 1 });
  expect((await todoward.listTasks({ q: "milk" })).items).toEqual([task]);
  expect(await todoward.readTask(task.id)).toEqual(task);
  expect(await todoward.updateTask(task.id, { title: "Buy oats" }, { ifMatch: "seen" })).toMatchObject({ version: 2 });
  expect(await todoward.completeTask(task.id)).toMatchObject({ completed: true });
  expect(await todoward.clearCompleted()).toBe(1);
  await todoward.createTask({ title: "Buy bread" });
  for await (const { id, title } of todoward.tasks()) {
    expect(title).toBe("Buy bread");
    await todoward.deleteTask(id);
  }
  expect(await rejection(todoward.readTask(task.id))).toMatchObject({ name: "TodowardProblem", code: "task_not_found" });
  expect(await todoward.restoreTask(task.id)).toMatchObject({ title: "Buy oats" });
  const list = await todoward.createList({ name: "Groceries" });
  expect(await todoward.moveTask(task.id, { list_id: list.id })).toMatchObject({ list_id: list.id });
  for await (const { name } of todoward.lists()) expect(name).toBe("Groceries");
  expect(await todoward.renameTag("é", "ü")).toBe(1);
  expect(await todoward.listTags()).toEqual([{ name: "ü", open: 0, total: 1 }]);
  expect(await todoward.countTasks({ by: "list" })).toEqual({ count: 1, groups: [{ key: list.id, count: 1 }] });
  // Its fetch adds a parameter to what must not be cached, and the server knows none of that name.
  const queries = proxy.requests.filter(({ path }) => path.includes("?")).map(({ path }) => path);
  expect(queries).toEqual([
    "/api/v1/tasks?q=milk",
    "/api/v1/tasks?completed=true",
    "/api/v1/tags?name=%C3%A9",
    "/api/v1/tasks/count?by=list",
  ]);
});

test("on React Native the server cannot be reached offline, with a signal and without", async () => {
  const server = createServer();
  const gone = await listening(server);
  await new Promise((done) => server.close(done));
  const todoward = clientOf(gone, { maxRetries: 1 });
  const { signal } = new AbortController();
  for (const options of [{}, { signal }]) {
    for (const call of [() => todoward.listTasks({}, options), () => todoward.createTask({ title: "t" }, options)]) {
      expect(await rejection(call())).toMatchObject({ name: "TodowardUnreachable", transient: true });
    }
  }
  // As its oldest releases make requests.
  const fetch: typeof globalThis.fetch = async (request) => {
    Object.defineProperty(request, "signal", { value: undefined });
    throw new TypeError("Network request failed");
  };
  expect(await rejection(clientOf(gone, { fetch }).listTasks())).toMatchObject({ name: "TodowardUnreachable" });
});

test("on React Native a signal ends a call before it is sent, under way and while it waits", async () => {
  const proxy = await faultyProxy(url, never, refuses(503, "overloaded", { after: "9" }));
  const calls: ((stop: AbortController) => Promise<unknown>)[] = [
    async (stop) => {
      const error = rejection(clientOf(proxy.url).listTasks({}, { signal: stop.signal }));
      await expect.poll(() => proxy.requests.length).toBe(1);
      stop.abort();
      return error;
    },
    (stop) => {
      const todoward = clientOf(proxy.url, { onRetry: () => void setTimeout(() => stop.abort()) });
      return rejection(todoward.listTasks({}, { signal: stop.signal }));
    },
    (stop) => {
      stop.abort();
      return rejection(clientOf(proxy.url).createTask({ title: "t" }, { signal: stop.signal }));
    },
  ];
  for (const call of calls) expect(await call(new AbortController())).toMatchObject({ name: "AbortError" });
  expect(proxy.requests).toHaveLength(2);
});

test("on React Native each create has a key of its own", () => {
  const keys = Array.from({ length: 1000 }, () => newIdempotencyKey());
  expect(new Set(keys).size).toBe(1000);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32,40}$/);
});

test("where requests have no cache, fetch is not told of one: older workerd throws at it", async () => {
  const told: unknown[] = [];
  const fetch: typeof globalThis.fetch = async (_request, init) => {
    told.push(init);
    throw new TypeError("Network request failed");
  };
  await rejection(clientOf(url, { fetch, maxRetries: 0 }).listTasks());
  expect(told).toEqual([{}]);
});
