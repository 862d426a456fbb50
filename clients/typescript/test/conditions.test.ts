import { randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { isProblem } from "../src/index.js";
import { clientOf, type Fault, faultyProxy, refuses, rejection, sign, twoPages } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("a task that has not changed is not sent again", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const created = await todoward.createTask({ title: "t" });
    expect(await todoward.readTask(created.id)).toEqual(created);
    await todoward.updateTask(created.id, { title: "u" });
    expect(await todoward.readTask(created.id)).toMatchObject({ title: "u", version: 2 });
    todoward.forget();
    expect(await todoward.readTask(created.id)).toMatchObject({ title: "u", version: 2 });
    await todoward.listTasks();
    expect(await todoward.readTask(created.id)).toMatchObject({ title: "u", version: 2 });
    expect(proxy.statuses).toEqual([201, 304, 200, 304, 200, 200, 304]);
  });

  test("a task that somebody else has changed is read anew", async () => {
    const [mine, other] = twoPages(url);
    const { id } = await mine.createTask({ title: "t" });
    await other.updateTask(id, { title: "u" });
    expect(await mine.readTask(id)).toMatchObject({ title: "u", version: 2 });
  });

  test("a write on what was seen fails if it has changed since", async () => {
    const [mine, other] = twoPages(url);
    const task = await mine.createTask({ title: "t" });
    await other.updateTask(task.id, { title: "u" });

    for (const ifMatch of ["seen", task, task.version] as const) {
      for (const write of [
        () => mine.updateTask(task.id, { title: "v" }, { ifMatch }),
        () => mine.completeTask(task.id, true, { ifMatch }),
        () => mine.completeTask(task.id, undefined, { ifMatch }),
        () => mine.deleteTask(task.id, { ifMatch }),
      ]) {
        const problem = await rejection(write());
        expect(problem).toMatchObject({ status: 412, code: "version_mismatch", etag: '"2"', outcomeUnknown: false });
      }
    }
    expect(await mine.readTask(task.id)).toMatchObject({ title: "u", completed: false, version: 2 });
    // Now it has been seen.
    expect(await mine.updateTask(task.id, { title: "v" }, { ifMatch: "seen" })).toMatchObject({ version: 3 });
    expect(await mine.completeTask(task.id, true, { ifMatch: "seen" })).toMatchObject({ version: 4 });
    expect(await other.updateTask(task.id, { title: "w" }, { ifMatch: "*" })).toMatchObject({ version: 5 });
    expect(await other.updateTask(task.id, { title: "x" })).toMatchObject({ version: 6 });
    await other.deleteTask(task.id, { ifMatch: "seen" });
    expect(await rejection(mine.updateTask(task.id, {}, { ifMatch: "*" }))).toMatchObject({ status: 404 });
  });

  /** Answers as the server did when it was asked, but only once it may. */
  const held = () => {
    let release = () => {};
    let answer = () => {};
    const may = new Promise<void>((done) => (release = done));
    const answered = new Promise<void>((done) => (answer = done));
    const fault: Fault = async (response, forward) => {
      const { status, headers, body } = await forward();
      answer();
      await may;
      response.writeHead(status, headers).end(body);
    };
    return { fault, answered, release };
  };

  test("an answer that comes after the change of users is not kept", async () => {
    const token = sign(`user-${randomUUID()}`);
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url, { token: async () => token });
    const { id } = await todoward.createTask({ title: "t" });
    for (const call of [
      () => todoward.listTasks(),
      () => todoward.readTask(id),
      () => todoward.updateTask(id, { title: "u" }),
      () => todoward.completeTask(id),
    ]) {
      todoward.forget();
      const { fault, answered, release } = held();
      proxy.next(fault);
      const late = call();
      await answered;
      todoward.forget();
      release();
      await late;
      expect(await rejection(todoward.deleteTask(id, { ifMatch: "seen" }))).toBeInstanceOf(TypeError);
    }
    const { fault, answered, release } = held();
    proxy.next(fault);
    const late = todoward.createTask({ title: "late" });
    await answered;
    todoward.forget();
    release();
    const created = await late;
    expect(await rejection(todoward.deleteTask(created.id, { ifMatch: "seen" }))).toBeInstanceOf(TypeError);
  });

  test("a list that is older than what is known does not make it old", async () => {
    const token = sign(`user-${randomUUID()}`);
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url, { token: async () => token });
    const { id } = await todoward.createTask({ title: "t" });
    const { fault, answered, release } = held();
    proxy.next(fault);
    const late = todoward.listTasks();
    await answered;
    await todoward.updateTask(id, { title: "u" });
    release();
    expect((await late).items).toMatchObject([{ id, version: 1 }]);
    expect(await todoward.updateTask(id, { title: "v" }, { ifMatch: "seen" })).toMatchObject({ title: "v" });
  });

  test("a task that is read is kept as it is, also if its version has gone back", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    proxy.next(async (response, forward) => {
      const { status, headers, body } = await forward();
      const text = JSON.stringify({ ...JSON.parse(body), version: 7 });
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text) }).end(text);
    });
    // As before a restore from a backup.
    expect(await todoward.updateTask(id, { title: "u" })).toMatchObject({ version: 7 });
    expect(await todoward.readTask(id)).toMatchObject({ version: 2 });
    expect(await todoward.updateTask(id, { title: "v" }, { ifMatch: "seen" })).toMatchObject({ version: 3 });
  });

  test("what was never seen cannot be written as seen", async () => {
    const [mine, other] = twoPages(url);
    const { id } = await other.createTask({ title: "t" });
    const unseen = expect.objectContaining({ name: "TypeError", message: expect.stringContaining(id) });
    expect(await rejection(mine.updateTask(id, {}, { ifMatch: "seen" }))).toEqual(unseen);
    await mine.listTasks();
    await mine.updateTask(id, { title: "u" }, { ifMatch: "seen" });
    mine.forget();
    expect(await rejection(mine.deleteTask(id, { ifMatch: "seen" }))).toEqual(unseen);
    // A condition that is none must not become an unconditional write.
    const mistakes = [null, "2", "", NaN, 1.5, {}] as never[];
    for (const ifMatch of mistakes) {
      expect(await rejection(mine.deleteTask(id, { ifMatch }))).toBeInstanceOf(TypeError);
    }
    await mine.listTasks();
    await other.deleteTask(id);
    expect(await rejection(mine.readTask(id))).toMatchObject({ status: 404 });
    expect(await rejection(mine.deleteTask(id, { ifMatch: "seen" }))).toEqual(unseen);

    const own = await mine.createTask({ title: "t" });
    await mine.deleteTask(own.id, { ifMatch: "seen" });
    expect(await rejection(mine.deleteTask(own.id, { ifMatch: "seen" }))).toBeInstanceOf(TypeError);
  });

  test("a proxy that makes ETags weak, as compression does, changes nothing", async () => {
    const weaken: Fault = async (response, forward) => {
      const { status, headers, body } = await forward();
      response.writeHead(status, { ...headers, etag: `W/${headers.etag}` }).end(body);
    };
    const proxy = await faultyProxy(url, weaken, weaken, weaken);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    expect(await todoward.updateTask(id, { title: "u" }, { ifMatch: "seen" })).toMatchObject({ version: 2 });
    const problem = await rejection(todoward.updateTask(id, { title: "v" }, { ifMatch: 1 }));
    expect(problem).toMatchObject({ code: "version_mismatch", etag: '"2"' });
  });

  test("somebody else's task is refused, and forgotten", async () => {
    const mine = clientOf(url);
    const { id } = await clientOf(url).createTask({ title: "t" });
    expect(isProblem(await rejection(mine.readTask(id)), "not_owner")).toBe(true);
    expect(isProblem(await rejection(mine.deleteTask(id)), "not_owner")).toBe(true);
  });

  test("a conditional write that was done, though nobody heard of it, is done", async () => {
    const lost = refuses(503, "database_unavailable", { done: true });
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const task = await todoward.createTask({ title: "t", tags: ["x"] });

    proxy.next(lost);
    const patch = { title: "u", tags: ["y", "z"] };
    expect(await todoward.updateTask(task.id, patch, { ifMatch: task })).toMatchObject({ ...patch, version: 2 });
    proxy.next(lost);
    expect(await todoward.completeTask(task.id, true, { ifMatch: 2 })).toMatchObject({ completed: true, version: 3 });
    proxy.next(lost);
    // Nobody can say whether a toggle that is now in the way was this one.
    const toggled = await rejection(todoward.completeTask(task.id, undefined, { ifMatch: 3 }));
    expect(toggled).toMatchObject({ code: "version_mismatch", outcomeUnknown: true });
    expect(await todoward.readTask(task.id)).toMatchObject({ completed: false, version: 4 });
    proxy.next(lost);
    await todoward.deleteTask(task.id, { ifMatch: 4 });
    expect(await rejection(todoward.readTask(task.id))).toMatchObject({ status: 404 });
  });

  test("it is done also if the server has trimmed what was written", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    proxy.next(refuses(503, "database_unavailable", { done: true }));
    // U+0085 is white space in Unicode and not in JavaScript, U+FEFF the other way round.
    // Tags are in NFC before anything else.
    const patch = { title: "\u0085 Foo\ufeff ", description: " kept ", tags: [" y", "e\u0301\u0085", "y", "\u00e9"] };
    const stored = { title: "Foo\ufeff", description: " kept ", tags: ["y", "\u00e9"], version: 2 };
    expect(await todoward.updateTask(id, patch, { ifMatch: 1 })).toMatchObject(stored);
  });

  test("it is done also if what was read is sent back with a change", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const recurrence = { rule: "FREQ=DAILY" };
    const task = await todoward.createTask({ title: "t", due_date: "2026-12-01", recurrence });
    proxy.next(refuses(503, "database_unavailable", { done: true }));
    const changed = await todoward.updateTask(task.id, { ...task, title: "u", completed: true }, { ifMatch: task });
    expect(changed).toMatchObject({ title: "u", next_id: expect.any(String), version: 2 });
  });

  test("it is done also if the server has merged what was written", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t", due_date: "2026-12-01" });
    const lost = refuses(503, "database_unavailable", { done: true });
    for (const [ifMatch, recurrence] of [[1, { rule: "FREQ=DAILY" }], [2, { from: "completion" }]] as const) {
      proxy.next(lost);
      expect(await todoward.updateTask(id, { recurrence }, { ifMatch })).toMatchObject({ recurrence });
    }
    // As another page writes it meanwhile.
    proxy.next(async (response, forward) => {
      const token = async () => sign((await todoward.readTask(id)).owner_id);
      await clientOf(url, { token }).updateTask(id, { recurrence: { rule: "FREQ=WEEKLY" } });
      await refuses(503, "database_unavailable")(response, forward);
    });
    const problem = await rejection(todoward.updateTask(id, { recurrence: { rule: "FREQ=YEARLY" } }, { ifMatch: 3 }));
    expect(problem).toMatchObject({ code: "version_mismatch", etag: '"4"' });
  });

  test("whether the tasks below were completed nobody can say by the one above", async () => {
    const proxy = await faultyProxy(url);
    const todoward = clientOf(proxy.url);
    const { id } = await todoward.createTask({ title: "t" });
    proxy.next(refuses(503, "database_unavailable", { done: true }));
    const problem = await rejection(todoward.completeTask(id, true, { subtasks: true, ifMatch: 1 }));
    expect(problem).toMatchObject({ code: "version_mismatch", outcomeUnknown: true });
  });

  test("a conditional write that was not done, and met another one, is refused", async () => {
    const [mine, other] = twoPages(url);
    const { id } = await mine.createTask({ title: "t" });
    const proxy = await faultyProxy(url, async (response, forward) => {
      await other.updateTask(id, { title: "theirs" });
      await refuses(503, "database_unavailable")(response, forward);
    });
    const token = async () => sign((await other.readTask(id)).owner_id);
    const problem = await rejection(clientOf(proxy.url, { token }).updateTask(id, { title: "mine" }, { ifMatch: 1 }));
    expect(problem).toMatchObject({ code: "version_mismatch", etag: '"2"' });
    expect(await other.readTask(id)).toMatchObject({ title: "theirs" });
  });
});
