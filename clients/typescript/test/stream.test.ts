import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import type { SubscribeOptions, Todoward } from "../src/index.js";
import { clientOf, faultyProxy, listening, refuses, rejection, says, sign } from "./support.js";

/** Subscribes until the test ends, and keeps what it is told. */
function subscribed(todoward: Todoward, options: Partial<SubscribeOptions> = {}) {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const heard = { opened: 0, changed: [] as string[], retries: [] as unknown[], abort: () => controller.abort() };
  const ended = todoward.subscribe({
    signal: controller.signal,
    onOpen: () => (heard.opened += 1),
    onChanged: (next) => heard.changed.push(next),
    onRetry: (info) => heard.retries.push(info),
    ...options,
  });
  ended.catch(() => undefined);
  return { ...heard, heard, ended };
}

/** Passes connections on, and cuts them. */
async function cuttable(target: string) {
  const sockets = new Set<Socket>();
  const { port, hostname } = new URL(target);
  const server = createTcpServer((socket) => {
    const onward = connect(Number(port), hostname).on("error", () => socket.destroy());
    sockets.add(socket.on("error", () => onward.destroy()).on("close", () => onward.destroy()));
    socket.pipe(onward).pipe(socket);
  });
  return { url: await listening(server), cut: () => sockets.forEach((socket) => socket.destroy()) };
}

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("the server says when there is something to pull", async () => {
    const todoward = clientOf(url);
    const { heard } = subscribed(todoward);
    await expect.poll(() => heard.changed).toHaveLength(1);
    const { next } = await todoward.changes();
    const task = await todoward.createTask({ title: "t" });
    await expect.poll(() => heard.changed.length).toBeGreaterThan(1);
    expect(await todoward.changes(next)).toMatchObject({ tasks: [task] });
  });

  test("who knows everything is told nothing at first", async () => {
    const todoward = clientOf(url);
    await todoward.createTask({ title: "t" });
    const { next } = await todoward.changes();
    const { heard } = subscribed(todoward, { lastEventId: next });
    await expect.poll(() => heard.opened).toBe(1);
    await todoward.createTask({ title: "u" });
    await expect.poll(() => heard.changed).toHaveLength(1);
    // It is of the second task: whoever pulls from it, gets nothing.
    expect(await todoward.changes(heard.changed[0])).toMatchObject({ tasks: [] });
  });

  test("a stream that is lost is opened again, and says what was missed", async () => {
    const proxy = await cuttable(url);
    const token = sign(`user-${randomUUID()}`);
    const { heard } = subscribed(clientOf(proxy.url, { token: async () => token }));
    await expect.poll(() => heard.changed).toHaveLength(1);
    proxy.cut();
    await clientOf(url, { token: async () => token }).createTask({ title: "t" });
    await expect.poll(() => heard.changed).toHaveLength(2);
    expect(heard.retries).toMatchObject([{ retry: 1, error: { message: "the stream was lost" } }]);
  });

  test("a stream whose token has expired goes on with a new one", async () => {
    const user = `user-${randomUUID()}`;
    let asked = 0;
    const { heard } = subscribed(clientOf(url, { token: async () => sign(user, (asked += 1) === 1 ? 1 : 900) }));
    await expect.poll(() => heard.opened).toBe(2);
    expect(heard.retries).toMatchObject([{ retry: 1, delay: 0, error: undefined }]);
    // What is known, is not told again.
    expect(heard.changed).toHaveLength(1);
  });
});

const { sqlite } = inject("servers");

test("a signal ends it, before and after it is open", async () => {
  const { heard, ended } = subscribed(clientOf(sqlite));
  await expect.poll(() => heard.opened).toBe(1);
  heard.abort();
  await ended;
  const signal = AbortSignal.abort();
  await clientOf(sqlite).subscribe({ signal, onChanged: () => {} });
});

test("forget() ends it, so that nothing goes on as the next user", async () => {
  const todoward = clientOf(sqlite);
  const { heard, ended } = subscribed(todoward);
  await expect.poll(() => heard.opened).toBe(1);
  todoward.forget();
  expect(await rejection(ended)).toMatchObject({ name: "SignedOut" });
});

test("who signs in meanwhile does not get the stream of the one before", async () => {
  let user = `first-${randomUUID()}`;
  const proxy = await cuttable(sqlite);
  const { heard, ended } = subscribed(clientOf(proxy.url, { token: async () => sign(user) }));
  await expect.poll(() => heard.opened).toBe(1);
  user = `next-${randomUUID()}`;
  proxy.cut();
  expect(await rejection(ended)).toMatchObject({ name: "SignedOut" });
});

test("what passes is waited for, and what does not is thrown", async () => {
  const proxy = await faultyProxy(sqlite, refuses(503, "overloaded"), says(502, "text/html", "away"));
  proxy.next(refuses(429, "too_many_streams"), refuses(403, "insufficient_scope"));
  const { heard, ended } = subscribed(clientOf(proxy.url));
  expect(await rejection(ended)).toMatchObject({ code: "insufficient_scope" });
  expect(heard.retries).toMatchObject([
    { retry: 1, error: { code: "overloaded" } },
    { retry: 2, error: { status: 502 } },
    { retry: 3, error: { code: "too_many_streams" } },
  ]);
});

test("what a callback throws is thrown", async () => {
  const fault = new Error("a fault of the page");
  const onChanged = () => {
    throw fault;
  };
  expect(await rejection(subscribed(clientOf(sqlite), { onChanged }).ended)).toBe(fault);
});

test("events are read as the standard says, however they are cut into pieces", async () => {
  const stream =
    "\u{feff}retry: 1\r\n\r\n: a comment\r\n\r\nevent: changed\r\nid: 1\r\ndata: {}\r\n\r\n" +
    'event:changed\rid:2\rdata:{"é":\rdata:1}\r\r' +
    "event: other\nid: 3\ndata: x\n\nevent: changed\nid: no data\n\nevent: changed\nid: 4\ndata\n\nevent: changed\nid: cut off\ndata: {}\n";
  const bytes = Buffer.from(stream);
  for (const size of [1, 2, 3, 7, 64, bytes.length]) {
    let response: ServerResponse | undefined;
    const lastIds: unknown[] = [];
    const server = createServer((request, outgoing) => {
      lastIds.push(request.headers["last-event-id"]);
      if (response) return;
      response = outgoing.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      const written = async () => {
        for (let at = 0; at < bytes.length; at += size) {
          await new Promise((done) => outgoing.write(bytes.subarray(at, at + size), done));
        }
        outgoing.end();
      };
      void written();
    });
    const { heard } = subscribed(clientOf(await listening(server)));
    await expect.poll(() => lastIds).toEqual([undefined, "4"]);
    expect(heard.changed).toEqual(["1", "2", "4"]);
    heard.abort();
  }
});
