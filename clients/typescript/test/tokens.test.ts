import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { expect, inject, test } from "vitest";
import { isProblem, SignedOut, Todoward, type TokenSource } from "../src/index.js";
import { Tokens } from "../src/tokens.js";
import { clientOf, faultyProxy, never, rejection, SECRET, sign } from "./support.js";

const url = inject("servers").sqlite;

/** Keeps a token until a new one is asked for, as a page does; the first has expired. */
function source(user = `user-${randomUUID()}`) {
  const asked: boolean[] = [];
  let kept = sign(user, -60);
  const token = async ({ refresh }: { refresh: boolean }) => {
    asked.push(refresh);
    if (refresh) kept = sign(user);
    return kept;
  };
  return { asked, token };
}

test("a token of `todoward token` will do", async () => {
  const binary = resolve("../../tests/better-auth", process.env["TODOWARD_BIN"] ?? "../../target/debug/todoward");
  const env = { BETTER_AUTH_SECRET: SECRET };
  const token = execFileSync(binary, ["token", "--sub", "alice"], { env, encoding: "utf8" }).trim();
  const todoward = new Todoward({ baseUrl: `${url}/`, token: async () => token });
  expect(await todoward.createTask({ title: "t" })).toMatchObject({ owner_id: "alice" });
});

test("an expired token is replaced, and the call is made again", async () => {
  const proxy = await faultyProxy(url);
  const { asked, token } = source();
  const todoward = clientOf(proxy.url, { token });
  const task = await todoward.createTask({ title: "t" });
  await todoward.readTask(task.id);
  expect(asked).toEqual([false, true, false]);
  expect(proxy.statuses).toEqual([401, 201, 304]);
  const [first, second] = proxy.requests;
  expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
  expect(second?.body).toBe(first?.body);
});

test("a second 401 is thrown", async () => {
  const proxy = await faultyProxy(url);
  const asked: boolean[] = [];
  const todoward = clientOf(proxy.url, {
    token: async ({ refresh }) => {
      asked.push(refresh);
      return sign("alice", -60);
    },
  });
  const problem = await rejection(todoward.listTasks());
  expect(isProblem(problem, "token_expired")).toBe(true);
  expect(asked).toEqual([false, true]);
  expect(proxy.statuses).toEqual([401, 401]);
});

test("calls that are refused together share one new token", async () => {
  const proxy = await faultyProxy(url);
  const { asked, token } = source();
  const afterAllRefusals: TokenSource = async ({ refresh }) => {
    if (refresh) await expect.poll(() => proxy.statuses.length).toBe(20);
    return token({ refresh });
  };
  const todoward = clientOf(proxy.url, { token: afterAllRefusals });
  await Promise.all(Array.from({ length: 20 }, () => todoward.listTasks()));
  expect(asked.filter((refresh) => refresh)).toHaveLength(1);
  expect(proxy.statuses.filter((status) => status === 401)).toHaveLength(20);
  expect(proxy.statuses.filter((status) => status === 200)).toHaveLength(20);
});

test("a call whose refusal comes late takes the token that is new already", async () => {
  let release = () => {};
  const later = new Promise<void>((done) => (release = done));
  const proxy = await faultyProxy(url, async (response, forward) => {
    const { status, headers, body } = await forward();
    await later;
    response.writeHead(status, headers).end(body);
  });
  const { asked, token } = source();
  const todoward = clientOf(proxy.url, { token });
  const slow = todoward.listTasks();
  await expect.poll(() => proxy.requests.length).toBe(1);
  await todoward.listTasks();
  release();
  await slow;
  expect(asked.filter((refresh) => refresh)).toHaveLength(1);
});

test("without a token nobody is signed in, and nothing is sent", async () => {
  const proxy = await faultyProxy(url);
  for (const nothing of [null, undefined, ""]) {
    const todoward = clientOf(proxy.url, { token: async () => nothing });
    expect(await rejection(todoward.listTasks())).toBeInstanceOf(SignedOut);
  }
  expect(proxy.requests).toHaveLength(0);
});

test("a session that is over when a new token is asked for is signed out", async () => {
  const token = async ({ refresh }: { refresh: boolean }) => (refresh ? null : sign("alice", -60));
  const error = await rejection(clientOf(url, { token }).listTasks());
  expect(error).toBeInstanceOf(SignedOut);
  expect((error as SignedOut).cause).toMatchObject({ code: "token_expired" });
});

test("what is no token is named, and never shown", async () => {
  for (const wrong of [{ data: { token: "secret" } }, "secret\nsecret", "sécret"] as never[]) {
    const error = await rejection(clientOf(url, { token: async () => wrong }).listTasks());
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/option token/);
    expect(String(error)).not.toMatch(/secret|sécret/);
  }
});

test("a failure to get a token is thrown as it is, and the next call asks again", async () => {
  const failures = [new Error("the frontend is down")];
  const token = async () => {
    const failure = failures.shift();
    if (failure) throw failure;
    return sign("alice");
  };
  const todoward = clientOf(url, { token });
  const [failure] = failures;
  expect(await rejection(todoward.listTasks())).toBe(failure);
  await todoward.listTasks();
});

test("what the last user waited for does not end what the next one waits for", async () => {
  const refused = { token: "refused", renewals: 0 };
  for (const ask of [
    (tokens: Tokens) => tokens.current(),
    (tokens: Tokens) => tokens.insteadOf(refused, undefined),
  ]) {
    const answers: ((token: string) => void)[] = [];
    const tokens = new Tokens(() => new Promise((answer) => answers.push(answer)));
    const last = ask(tokens);
    tokens.forget();
    const next = ask(tokens);
    answers[0]?.("last");
    expect(await last).toMatchObject({ token: "last" });
    const together = Promise.all([next, ask(tokens)]);
    expect(answers).toHaveLength(2);
    answers[1]?.("next");
    expect(await together).toMatchObject([{ token: "next" }, { token: "next" }]);
    // Once it is there, the next call asks anew.
    const later = tokens.current();
    answers[2]?.("later");
    expect(await later).toMatchObject({ token: "later" });
  }
});

test("waiting for a token can be given up", async () => {
  const proxy = await faultyProxy(url, never);
  const controller = new AbortController();
  const todoward = clientOf(proxy.url, {
    token: () => {
      setTimeout(() => controller.abort());
      return new Promise(() => {});
    },
  });
  const error = await rejection(todoward.listTasks({}, { signal: controller.signal }));
  expect(error).toMatchObject({ name: "AbortError" });
});
