import { generateKeyPairSync, randomUUID, sign as signWith } from "node:crypto";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import * as binary from "../../../tests/better-auth/support/todoward.mjs";
import { isProblem, type RetryInfo, TodowardUnreachable } from "../src/index.js";
import {
  clientOf,
  cutAfter,
  cutBefore,
  type Fault,
  faultyProxy,
  listening,
  refuses,
  rejection,
  says,
  SECRET,
  sign,
} from "./support.js";

const serve = (variables: object): Promise<{ url: string }> => binary.serve({ after: onTestFinished }, variables) as never;

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("a task is made once, though the answer was lost", async () => {
    const proxy = await faultyProxy(url, cutAfter, cutBefore);
    const retries: RetryInfo[] = [];
    const todoward = clientOf(proxy.url, { onRetry: (info) => retries.push(info) });
    const fields = { title: "t", tags: ["a"] };
    const creating = todoward.createTask(fields);
    fields.tags.push("too late");
    const task = await creating;
    expect(task.tags).toEqual(["a"]);
    expect((await todoward.listTasks()).items).toEqual([task]);
    expect(retries.map(({ retry }) => retry)).toEqual([1, 2]);
    expect(retries[0]?.error).toBeInstanceOf(TodowardUnreachable);
    expect(retries[0]?.error.outcomeUnknown).toBe(true);
    const keys = proxy.requests.slice(0, 3).map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys).size).toBe(1);
  });

  test("each call has a key of its own, and a given one is used", async () => {
    const todoward = clientOf(url);
    await todoward.createTask({ title: "t" });
    await todoward.createTask({ title: "t" });
    const first = await todoward.createTask({ title: "t" }, { idempotencyKey: "form-1" });
    expect(await todoward.createTask({ title: "t" }, { idempotencyKey: "form-1" })).toEqual(first);
    expect((await todoward.listTasks()).items).toHaveLength(3);
    const other = await rejection(todoward.createTask({ title: "u" }, { idempotencyKey: "form-1" }));
    expect(isProblem(other, "idempotency_key_reused")).toBe(true);
  });

  test("a lost connection is tried again where nothing can happen twice, and nowhere else", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t", completed: true });
    const sent = async (call: () => Promise<unknown>) => {
      const before = proxy.requests.length;
      proxy.next(cutAfter);
      const outcome = await call().catch((error: unknown) => error);
      return { requests: proxy.requests.length - before, outcome };
    };
    expect(await sent(() => todoward.listTasks())).toMatchObject({ requests: 2, outcome: { items: [{ id }] } });
    expect(await sent(() => todoward.readTask(id))).toMatchObject({ requests: 2, outcome: { id } });
    const lost = { requests: 1, outcome: { name: "TodowardUnreachable", outcomeUnknown: true } };
    expect(await sent(() => todoward.updateTask(id, { title: "u" }))).toMatchObject(lost);
    expect(await sent(() => todoward.updateTask(id, { title: "v" }, { ifMatch: 2 }))).toMatchObject(lost);
    expect(await sent(() => todoward.completeTask(id))).toMatchObject(lost);
    expect(await sent(() => todoward.completeTask(id, true))).toMatchObject(lost);
    expect(await sent(() => todoward.deleteTask(id))).toMatchObject(lost);
    expect(await sent(() => todoward.clearCompleted())).toMatchObject(lost);
    expect(await todoward.listTasks()).toMatchObject({ items: [] });
  });

  test("a refusal that may have come after the effect is waited for where a repeat is safe", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    const requests = async (status: number, code: string, call: () => Promise<unknown>) => {
      const before = proxy.requests.length;
      proxy.next(refuses(status, code));
      await call().catch((error: unknown) => expect(error).toMatchObject({ status, code }));
      return proxy.requests.length - before;
    };
    const calls: [number, number, () => Promise<unknown>][] = [
      // Requests after a 503 whose effect is unknown, and after a 504.
      [2, 1, () => todoward.listTasks()],
      [2, 2, () => todoward.createTask({ title: "t" })],
      [1, 1, () => todoward.updateTask(id, { title: "u" })],
      [1, 1, () => todoward.updateTask(id, { title: "u" }, { ifMatch: "*" })],
      [2, 1, () => todoward.updateTask(id, { title: "u" }, { ifMatch: "seen" })],
      [2, 1, () => todoward.completeTask(id, true)],
      [1, 1, () => todoward.completeTask(id)],
      [1, 1, () => todoward.completeTask(id, undefined, { ifMatch: "*" })],
      [2, 1, () => todoward.completeTask(id, undefined, { ifMatch: "seen" })],
      [1, 1, () => todoward.clearCompleted()],
    ];
    for (const [index, [after503, after504, call]] of calls.entries()) {
      expect(await requests(503, "database_unavailable", call), `503 ${index}`).toBe(after503);
      expect(await requests(504, "deadline_exceeded", call), `504 ${index}`).toBe(after504);
      for (const code of ["overloaded", "keys_unavailable"]) {
        expect(await requests(503, code, call), `${code} ${index}`).toBe(2);
      }
      expect(await requests(429, "rate_limited", call), `429 ${index}`).toBe(2);
      expect(await requests(500, "internal", call), `500 ${index}`).toBe(1);
    }
    const unknown = async (status: number, code: string, call: () => Promise<unknown>) => {
      proxy.next(refuses(status, code));
      return ((await rejection(call())) as { outcomeUnknown: boolean }).outcomeUnknown;
    };
    const patch = () => todoward.updateTask(id, { title: "u" });
    expect(await unknown(503, "database_unavailable", patch)).toBe(true);
    expect(await unknown(504, "deadline_exceeded", patch)).toBe(true);
    expect(await unknown(504, "deadline_exceeded", () => todoward.listTasks())).toBe(false);
  });
});

const { sqlite, postgres } = inject("servers");

test("moves, counts, the trash, lists and tags are repeated where that is safe, and nowhere else", async () => {
  const proxy = await faultyProxy(sqlite);
  const todoward = clientOf(proxy.url);
  const { id } = await todoward.createTask({ title: "t" });
  const { id: list } = await todoward.createList({ name: "l" });
  const requests = async (fault: Fault, call: () => Promise<unknown>) => {
    const before = proxy.requests.length;
    proxy.next(fault);
    await call().catch((error: unknown) => error);
    return proxy.requests.length - before;
  };
  const calls: [number, number, number, () => Promise<unknown>][] = [
    // Requests after a lost connection, a 504, and a 503 whose effect is unknown.
    [2, 1, 2, () => todoward.listLists()],
    [2, 1, 2, () => todoward.readList(list)],
    [2, 1, 2, () => todoward.countTasks()],
    [2, 1, 2, () => todoward.listTags()],
    [2, 2, 2, () => todoward.createList({ name: "l" })],
    [1, 1, 1, () => todoward.updateList(list, { name: "m" })],
    [1, 1, 1, () => todoward.moveTask(id, { first: true })],
    [1, 1, 1, () => todoward.moveTask(id, { first: true }, { ifMatch: "*" })],
    [1, 1, 2, () => todoward.moveTask(id, { first: true }, { ifMatch: "seen" })],
    [1, 1, 2, () => todoward.moveList(list, { first: true }, { ifMatch: 1 })],
    [1, 1, 2, () => todoward.completeTask(id, true, { subtasks: true })],
    [1, 1, 1, () => todoward.renameTag("a", "b")],
    [1, 1, 1, () => todoward.deleteTag("a")],
    [1, 1, 1, () => todoward.emptyTaskTrash()],
    [1, 1, 1, () => todoward.emptyListTrash()],
    [1, 1, 1, () => todoward.deleteTask(id, { permanent: true })],
    // The second request finds nothing in the trash, and a third one reads: it is there, or it is not.
    [1, 1, 3, () => todoward.restoreTask(id)],
  ];
  for (const [index, [lost, after504, after503, call]] of calls.entries()) {
    expect(await requests(cutBefore, call), `lost ${index}`).toBe(lost);
    expect(await requests(refuses(504, "deadline_exceeded"), call), `504 ${index}`).toBe(after504);
    expect(await requests(refuses(503, "database_unavailable"), call), `503 ${index}`).toBe(after503);
    expect(await requests(refuses(429, "rate_limited"), call), `429 ${index}`).toBe(2);
  }
});

test("after so many repeats, and before so long a wait, the refusal is thrown", async () => {
  const busy = refuses(503, "overloaded");
  const proxy = await faultyProxy(sqlite, busy, busy, busy, busy, refuses(503, "overloaded", { after: "11" }));
  expect(await rejection(clientOf(proxy.url).listTasks())).toMatchObject({ code: "overloaded", retryAfter: 0 });
  expect(proxy.requests).toHaveLength(3);
  expect(await rejection(clientOf(proxy.url, { maxRetries: 0 }).listTasks())).toMatchObject({ code: "overloaded" });
  expect(proxy.requests).toHaveLength(4);
  expect(await rejection(clientOf(proxy.url).listTasks())).toMatchObject({ code: "overloaded", retryAfter: 11 });
  expect(proxy.requests).toHaveLength(5);
});

test("a proxy that has lost its server is tried again, as a lost connection is", async () => {
  const gateway = says(502, "text/html", "<h1>Bad Gateway</h1>");
  const proxy = await faultyProxy(sqlite, gateway, gateway);
  const todoward = clientOf(proxy.url);
  await todoward.createTask({ title: "t" });
  expect(proxy.requests).toHaveLength(3);
  proxy.next(gateway);
  const error = await rejection(todoward.completeTask("x"));
  expect(error).toMatchObject({ name: "TodowardUnreachable", status: 502, outcomeUnknown: true });
  expect(proxy.requests).toHaveLength(4);
});

test("every answer with which a proxy says that its server is away is as a lost connection", async () => {
  const proxy = await faultyProxy(sqlite);
  const todoward = clientOf(proxy.url);
  const outcome = async (status: number, call: () => Promise<unknown>) => {
    const before = proxy.requests.length;
    proxy.next(says(status, "text/plain", "Internal Server Error"));
    const error = await call().then(() => undefined, (error: unknown) => error);
    return { requests: proxy.requests.length - before, error };
  };
  // A bare 500 is what a rewrite of Next.js answers; 520 to 530 are Cloudflare's.
  for (const status of [408, 429, 500, 502, 503, 504, 520, 522, 524, 530]) {
    const [list, create, toggle] = [
      await outcome(status, () => todoward.listTasks()),
      await outcome(status, () => todoward.createTask({ title: `${status}` })),
      await outcome(status, () => todoward.completeTask("x")),
    ];
    expect(list, `${status}`).toEqual({ requests: 2, error: undefined });
    expect(create, `${status}`).toEqual({ requests: 2, error: undefined });
    const outcomeUnknown = status !== 408 && status !== 429;
    expect(toggle, `${status}`).toMatchObject({ requests: 1, error: { status, transient: true, outcomeUnknown } });
    expect(String(toggle.error)).toMatch(/it passes\. Else: Check baseUrl/);
    const [first, second] = proxy.requests.filter(({ body }) => body.includes(`"${status}"`));
    expect(first?.headers["idempotency-key"]).toBe(second?.headers["idempotency-key"]);
  }
  // These would be said again.
  for (const status of [501, 505]) {
    const create = await outcome(status, () => todoward.createTask({ title: "t" }));
    expect(create).toMatchObject({ requests: 1, error: { status, transient: false, outcomeUnknown: false } });
  }
});

test("keys that are not there yet are waited for", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "EdDSA" }];
  let published = false;
  const frontend = await listening(
    createServer((_request, response) => {
      response.writeHead(published ? 200 : 503, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
    }),
  );
  const server = await serve({ BETTER_AUTH_URL: frontend });
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 900;
  const claims = { sub: "alice", iss: frontend, aud: frontend, exp };
  const said = `${encoded({ alg: "EdDSA", kid: "1" })}.${encoded(claims)}`;
  const token = `${said}.${signWith(null, Buffer.from(said), privateKey).toString("base64url")}`;
  const retries: RetryInfo[] = [];
  const todoward = clientOf(server.url, {
    token: async () => token,
    maxRetries: 10,
    onRetry: (info) => {
      retries.push(info);
      published = true;
    },
  });
  // Even a toggle: it was refused before any effect.
  expect(await rejection(todoward.completeTask("x"))).toMatchObject({ code: "task_not_found" });
  expect(retries[0]?.error).toMatchObject({ code: "keys_unavailable", retryAfter: 1 });
  expect(retries[0]?.delay).toBeGreaterThanOrEqual(1000);
});

test("a database that is gone for a moment is waited for", async () => {
  const database = new URL(inject("database"));
  const connections = new Set<Socket>();
  let there = true;
  const between = createTcpServer((socket) => {
    connections.add(socket);
    socket.on("error", () => {}).on("close", () => connections.delete(socket));
    if (!there) return socket.destroy();
    const onward = connect(Number(database.port), database.hostname).on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
    return undefined;
  });
  const { port } = new URL(await listening(between));
  const through = new URL(database);
  through.port = port;
  const server = await serve({
    BETTER_AUTH_SECRET: SECRET,
    DATABASE_URL: through.href,
    TODOWARD__DATABASE__ACQUIRE_TIMEOUT: "1",
  });
  const retries: RetryInfo[] = [];
  const token = async () => sign("between");
  const todoward = clientOf(server.url, {
    token,
    maxRetries: 10,
    onRetry: (info) => {
      retries.push(info);
      there = true;
    },
  });
  await todoward.listTasks();
  there = false;
  connections.forEach((socket) => socket.destroy());
  const task = await todoward.createTask({ title: "t" });
  expect(retries[0]?.error).toMatchObject({ code: "database_unavailable", status: 503 });
  expect(await clientOf(postgres, { token }).listTasks()).toMatchObject({ items: [task] });
});

test("a rate limit is waited for", async () => {
  const server = await serve({
    BETTER_AUTH_SECRET: SECRET,
    TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND: "1",
    TODOWARD__RATE_LIMIT__BURST: "2",
  });
  const retries: RetryInfo[] = [];
  const together = (options: object) => {
    const todoward = clientOf(server.url, options);
    return Promise.allSettled(["a", "b", "c"].map((title) => todoward.createTask({ title })));
  };
  const patient = await together({ maxRetries: 10, onRetry: (info: RetryInfo) => retries.push(info) });
  expect(patient.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
  expect(retries[0]?.error).toMatchObject({ code: "rate_limited", status: 429, retryAfter: 1 });
  const refused = (await together({ maxRetryDelay: 100 })).filter((outcome) => outcome.status === "rejected");
  expect(refused[0]?.reason).toMatchObject({ code: "rate_limited", outcomeUnknown: false });
});

test.each([
  ["which the page tells the client", true],
  ["of which nobody tells the client", false],
])("over a change of users, %s, what one's call waited for is not sent with the next one's token", async (_, told) => {
  for (const fault of [refuses(503, "overloaded", { after: "0" }), refuses(401, "token_expired"), cutBefore]) {
    const proxy = await faultyProxy(sqlite, fault);
    let user = `first-${randomUUID()}`;
    const change = () => {
      user = `next-${randomUUID()}`;
      if (told) todoward.forget();
    };
    const todoward = clientOf(proxy.url, {
      token: async ({ refresh }) => {
        if (refresh) change();
        return sign(user);
      },
      onRetry: change,
    });
    const error = await rejection(todoward.createTask({ title: "of the first" }));
    expect(error).toMatchObject({ name: "SignedOut" });
    expect((await todoward.listTasks()).items).toEqual([]);
    expect(proxy.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  }
});

test("waiting can be given up", async () => {
  const minute = refuses(503, "overloaded", { after: "60" });
  const proxy = await faultyProxy(sqlite, minute, minute);
  for (const soon of [(abort: () => void) => abort(), setImmediate]) {
    const controller = new AbortController();
    const onRetry = () => void soon(() => controller.abort());
    const todoward = clientOf(proxy.url, { maxRetryDelay: 100_000, onRetry });
    const error = await rejection(todoward.listTasks({}, { signal: controller.signal }));
    expect(error).toMatchObject({ name: "AbortError" });
  }
  expect(proxy.requests).toHaveLength(2);
});
