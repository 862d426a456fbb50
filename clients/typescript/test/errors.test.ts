import { createServer } from "node:http";
import { expect, expectTypeOf, inject, test } from "vitest";
import { isProblem, Todoward, TodowardProblem, TodowardUnreachable } from "../src/index.js";
import { clientOf, type Fault, faultyProxy, listening, never, rejection, says, sign } from "./support.js";

const url = inject("servers").sqlite;

async function problemOf(promise: Promise<unknown>): Promise<TodowardProblem> {
  const error = await rejection(promise);
  if (!isProblem(error)) throw error;
  return error;
}

async function unreachable(promise: Promise<unknown>): Promise<TodowardUnreachable> {
  const error = await rejection(promise);
  if (!(error instanceof TodowardUnreachable)) throw error;
  return error;
}

test("every wrong field is named", async () => {
  const fields = { title: " ", priority: "soon", due_date: "tomorrow", tags: ["a", ""], "a/b~c": 1 };
  const problem = await problemOf(clientOf(url).createTask(fields as never));
  expect(problem).toMatchObject({ status: 422, code: "invalid_task", title: "Unprocessable Content" });
  expect(problem).toMatchObject({ instance: "/api/v1/tasks", outcomeUnknown: false });
  expect(problem.errors.map(({ pointer }) => pointer).sort()).toEqual(
    ["/title", "/priority", "/due_date", "/tags/1", "/a~1b~0c"].sort(),
  );
  const errors = problem.fieldErrors();
  expect(Object.keys(errors).sort()).toEqual(["a/b~c", "due_date", "priority", "tags", "title"]);
  expect(errors["title"]).toBe("must be 1 to 1,000 characters");
  expect(problem.message).toContain(problem.detail);
  expect(problem.message).toContain(problem.requestId);
  expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/);
});

test("faults of a query are named by parameter, of a whole body by nothing", async () => {
  const query = { limit: 1000, sort: "size" as never };
  const problem = await problemOf(clientOf(url).listTasks(query));
  expect(problem.code).toBe("invalid_parameter");
  expect(Object.keys(problem.fieldErrors()).sort()).toEqual(["limit", "sort"]);
  expect(Object.keys((await problemOf(clientOf(url).createTask([] as never))).fieldErrors())).toEqual([""]);
});

test("isProblem tells codes apart, and narrows them", async () => {
  const error: unknown = await problemOf(clientOf(url).readTask("x"));
  expect(isProblem(error)).toBe(true);
  expect(isProblem(error, "task_not_found")).toBe(true);
  expect(isProblem(error, "not_owner", "task_not_found")).toBe(true);
  expect(isProblem(error, "not_owner")).toBe(false);
  expect(isProblem(new Error("x"))).toBe(false);
  expect(isProblem(undefined)).toBe(false);
  if (isProblem(error, "task_not_found")) expectTypeOf(error.code).toEqualTypeOf<"task_not_found">();
});

test("a server that is not there is named", async () => {
  const server = createServer();
  const gone = await listening(server);
  await new Promise((done) => server.close(done));
  const error = await unreachable(clientOf(gone, { maxRetries: 0 }).listTasks({ q: "private" }));
  expect(error.url).toBe(`${gone}/api/v1/tasks`);
  expect(error.message).toContain("ECONNREFUSED");
  expect(error.message).toContain("baseUrl");
  expect(error.message).not.toContain("private");
  expect(error.cause).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ transient: true, outcomeUnknown: false });
});

test("an answer that is not Todoward's is described", async () => {
  const page = "<!DOCTYPE html>\n<title>My page</title>";
  const json = "application/json";
  const cases = [
    [says(200, "text/html", page), "200, text/html", "<!DOCTYPE html> <title>My page</title>"],
    [says(404, "text/html", page), "404, text/html", "My page"],
    [says(200, json, '{"hello":"world"}'), '200, application/json, "{', "hello"],
    [says(200, json, '{"items":'), "200, application/json", "items"],
    [says(200, json, "null"), "200, application/json", "null"],
    [says(401, json, '{"message":"Unauthorized"}'), "401, application/json", "Unauthorized"],
    [says(400, "application/problem+json", '{"title":"Bad"}'), "400, application/problem+json", "Bad"],
    [says(400, "application/problem+json", "{"), "400, application/problem+json", "{"],
    [says(200, json, ""), "200, application/json", "an empty body"],
    [says(307, "text/html", "", { location: "https://example.com/sign-in" }), "redirect", "https://example.com/sign-in"],
  ] as const;
  for (const [fault, ...parts] of cases) {
    const proxy = await faultyProxy(url, fault);
    const error = await unreachable(clientOf(proxy.url).createTask({ title: "t" }));
    for (const part of [...parts, "Check baseUrl"]) expect(error.message).toContain(part);
    expect(error).toMatchObject({ transient: false, outcomeUnknown: false });
    expect(proxy.requests).toHaveLength(1);
  }
});

test("an answer of another kind than the call's is not Todoward's", async () => {
  const json = (body: unknown) => says(200, "application/json", JSON.stringify(body));
  const empty = (status: number) => says(status, "text/plain", "");
  const task = json({ id: "7", version: 1 });
  const list = json({ items: [] });
  const count = json({ deleted: 1 });
  const proxy = await faultyProxy(url);
  const todoward = clientOf(proxy.url);
  // Of another service, which has an id, or items, of its own.
  const cases: [() => Promise<unknown>, ...Fault[]][] = [
    [() => todoward.listTasks(), task, count, json({ items: {} }), json({ items: [null] }), json({ items: [{ id: 7 }] })],
    [() => todoward.createTask({ title: "t" }), list, count, json({ id: 7, version: 1 }), json({ id: "7" })],
    [() => todoward.readTask("7"), list, count, json({ id: "7" })],
    [() => todoward.updateTask("7", { title: "t" }), list, count, json({ id: "7" })],
    [() => todoward.completeTask("7"), list, count, json({ id: "7" })],
    [() => todoward.clearCompleted(), task, list, json({ deleted: true })],
    [() => todoward.moveTask("7", { first: true }), list, count],
    [() => todoward.restoreTask("7"), list, count],
    [() => todoward.emptyTaskTrash(), task, list],
    [() => todoward.countTasks(), task, list, count, json({ count: "1" })],
    [() => todoward.countTasks({ by: "tag" }), json({ count: 1 }), json({ count: 1, groups: {} })],
    [() => todoward.listLists(), task, count, json({ items: [{ id: 7 }] })],
    [() => todoward.createList({ name: "l" }), list, count],
    [() => todoward.readList("7"), list, count],
    [() => todoward.updateList("7", { name: "l" }), list, count],
    [() => todoward.moveList("7", { first: true }), list, count],
    [() => todoward.restoreList("7"), list, count],
    [() => todoward.emptyListTrash(), task, list],
    [() => todoward.listTags(), task, count, json({ items: [null] }), json({ items: [{ id: "7", version: 1 }] })],
    [() => todoward.renameTag("a", "b"), task, list, count, json({ changed: true })],
    [() => todoward.deleteTag("a"), task, list, count, json({ changed: "1" })],
  ];
  for (const [call, ...faults] of cases) {
    for (const fault of [...faults, empty(204), empty(304)]) {
      proxy.next(fault);
      const error = await unreachable(call());
      expect(error.message).toMatch(/answered (200|204|304), .*Check baseUrl/);
      expect(error).toMatchObject({ transient: false, outcomeUnknown: false });
    }
  }
  for (const fault of [task, list, count, empty(200), empty(304)]) {
    for (const call of [() => todoward.deleteTask("7"), () => todoward.deleteList("7", { permanent: true })]) {
      proxy.next(fault);
      expect((await unreachable(call())).message).toContain("Check baseUrl");
    }
  }
});

test("below a path, the answers are Todoward's as well", async () => {
  const todoward = clientOf(`${url}/backend/`, {
    // As a proxy that takes its path off.
    fetch: (input, init) => {
      const request = input as Request;
      return fetch(new Request(request.url.replace("/backend", ""), request), init);
    },
  });
  const { id } = await todoward.createTask({ title: "t", completed: true });
  expect(await todoward.listTasks({ limit: 1 })).toMatchObject({ items: [{ id }] });
  expect(await todoward.readTask(id)).toMatchObject({ id });
  expect(await todoward.clearCompleted()).toBe(1);
});

test("a refusal of HTTP itself, which has no body, is described", async () => {
  const token = async () => `a.${"b".repeat(400_000)}.c`;
  const error = await unreachable(clientOf(url, { token }).listTasks());
  expect(error.message).toMatch(/answered 431, no content type, an empty body|no answer/);
});

test("an address below the server's is explained", async () => {
  const problem = await problemOf(clientOf(`${url}/api/v1`).listTasks());
  expect(problem.code).toBe("no_such_address");
  expect(problem.message).toContain("without /api/v1");
});

test("outside of a browser an address must be whole", async () => {
  for (const baseUrl of ["", "/", "/backend", "localhost:8080"]) {
    const error = await rejection(clientOf(baseUrl).listTasks());
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain("baseUrl");
  }
});

test("a signal ends a call, with its own reason", async () => {
  const proxy = await faultyProxy(url, never, never, never);
  const todoward = clientOf(proxy.url, { onRetry: ({ error }) => expect.unreachable(error.message) });
  for (const call of [todoward.listTasks.bind(todoward, {}), todoward.deleteTask.bind(todoward, "x")]) {
    const before = proxy.requests.length;
    const controller = new AbortController();
    const ended = rejection(call({ signal: controller.signal }));
    await expect.poll(() => proxy.requests.length).toBe(before + 1);
    controller.abort();
    expect(await ended).toMatchObject({ name: "AbortError" });
  }

  const late = AbortSignal.timeout(1);
  expect(await rejection(todoward.createTask({ title: "t" }, { signal: late }))).toMatchObject({ name: "TimeoutError" });
  const sent = proxy.requests.length;
  expect(await rejection(todoward.deleteTask("x", { signal: AbortSignal.abort() }))).toMatchObject({ name: "AbortError" });
  expect(proxy.requests).toHaveLength(sent);
});

test("a fetch of one's own is used, and told not to keep answers", async () => {
  const seen: unknown[] = [];
  const todoward = new Todoward({
    baseUrl: url,
    token: async () => sign("alice"),
    fetch: (input, init) => {
      seen.push([(input as Request).url, init]);
      return fetch(input, init);
    },
  });
  await todoward.listTasks({ limit: 1 });
  expect(seen).toEqual([[`${url}/api/v1/tasks?limit=1`, { cache: "no-store" }]]);
});
