import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { expect, inject, test } from "vitest";
import { type BetterAuthClient, betterAuthToken, isProblem, SignedOut, Todoward, type TokenSource } from "../src/index.js";
import { subjectOf, Tokens } from "../src/tokens.js";
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

/** Tokens that are given when a test says so. */
function givenLater() {
  const answers: ((token: string) => void)[] = [];
  return { answers, tokens: new Tokens(() => new Promise((answer) => answers.push(answer))) };
}

test("what the last user waited for does not end what the next one waits for", async () => {
  const { answers, tokens } = givenLater();
  const refused = { token: "refused", renewals: 1 };
  const last = tokens.insteadOf(refused, undefined);
  tokens.forget();
  const next = tokens.insteadOf(refused, undefined);
  answers[0]?.("last");
  expect(await last).toMatchObject({ token: "last" });
  const together = Promise.all([next, tokens.insteadOf(refused, undefined)]);
  expect(answers).toHaveLength(2);
  answers[1]?.("next");
  expect(await together).toMatchObject([{ token: "next" }, { token: "next" }]);
});

test("calls of one moment share a token, and a later one does not take what they wait for", async () => {
  const { answers, tokens } = givenLater();
  const together = Promise.all([tokens.current(), tokens.current()]);
  await expect.poll(() => answers.length).toBe(1);
  const later = tokens.current();
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.("next");
  answers[0]?.("last");
  expect(await together).toMatchObject([{ token: "last" }, { token: "last" }]);
  expect(await later).toMatchObject({ token: "next" });
});

test("a call that comes while a token is renewed asks after that", async () => {
  const { answers, tokens } = givenLater();
  const renewed = tokens.insteadOf({ token: "refused", renewals: 0 }, undefined);
  const together = Promise.all([tokens.current(), tokens.current()]);
  answers[0]?.("renewed");
  expect(await renewed).toMatchObject({ token: "renewed", renewals: 1 });
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.("now");
  expect(await together).toMatchObject([{ token: "now" }, { token: "now" }]);
});

test("what the page of one user does is not sent with another's token", async () => {
  const proxy = await faultyProxy(url);
  const user = `Zoë|${randomUUID()}`;
  let signedIn = user;
  const todoward = clientOf(proxy.url, { user, token: async () => sign(signedIn) });
  const task = await todoward.createTask({ title: "hers" });
  expect(task.owner_id).toBe(user);
  signedIn = `next-${randomUUID()}`;
  proxy.requests.length = 0;
  const refused = await rejection(todoward.createTask({ title: "hers, too" }));
  expect(refused).toBeInstanceOf(SignedOut);
  expect(String(refused)).toContain("another user");
  expect(proxy.requests).toEqual([]);
  signedIn = user;
  expect((await todoward.listTasks()).items).toEqual([task]);
});

test("the user of a token is read without help, whatever the letters", () => {
  for (const sub of ["alice", "a", "ab", "", "Zoë|7", "日本語", "😀".repeat(20)]) {
    expect(subjectOf(sign(sub))).toBe(sub);
  }
  for (const none of ["", "x", "a.b.c", "a.é.c", `a.${btoa("null")}.c`, `a.${btoa('{"sub":7}')}.c`]) {
    expect(subjectOf(none)).toBeUndefined();
  }
});

test("a sign-in server that is down signs nobody out, and a session that is over does", async () => {
  const says = (data: { token: string } | null, status?: number) => ({
    token: async () => ({ data, error: status === undefined ? null : { status } }),
  });
  const source = (client: BetterAuthClient) => betterAuthToken(client)({ refresh: false });
  for (const status of [0, 429, 500, 503]) expect(String(await rejection(source(says(null, status))))).toContain(`${status}`);
  expect(await source(says(null, 401))).toBeUndefined();
  const token = sign("alice");
  expect(await source(says({ token }))).toBe(token);
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
