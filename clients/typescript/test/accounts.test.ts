import { randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { isProblem, Todoward } from "../src/index.js";
import { clientOf, rejection, sign } from "./support.js";

const fresh = (user: string, isAnonymous?: true) =>
  sign(user, 900, { iat: Math.floor(Date.now() / 1000), ...(isAnonymous && { isAnonymous }) });

function account(baseUrl: string): [string, Todoward] {
  const user = `user-${randomUUID()}`;
  return [user, new Todoward({ baseUrl, token: async () => fresh(user) })];
}

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("an account says who it is and how much there is, until it is erased", async () => {
    const [user, todoward] = account(url);
    const task = await todoward.createTask({ title: "t" });
    await todoward.deleteTask(task.id);
    await todoward.createTask({ title: "u" });
    await todoward.createList({ name: "l" });
    expect(await todoward.readAccount()).toEqual({
      owner_id: user,
      expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
      tasks: 2,
      lists: 1,
    });
    expect(isProblem(await rejection(todoward.eraseAccount("me")), "invalid_request")).toBe(true);
    expect(isProblem(await rejection(todoward.eraseAccount("bob")), "foreign_path")).toBe(true);
    expect(await todoward.eraseAccount(user)).toEqual({ deleted: { tasks: 2, lists: 1 } });
    expect(await todoward.readAccount()).toMatchObject({ tasks: 0, lists: 0 });
  });

  test("an old token erases nothing", async () => {
    const todoward = clientOf(url);
    const { owner_id } = await todoward.createTask({ title: "t" });
    expect(isProblem(await rejection(todoward.eraseAccount(owner_id)), "token_expired")).toBe(true);
  });

  test("what an anonymous user had is adopted", async () => {
    const [guest, anonymous] = account(url);
    const [, todoward] = account(url);
    const task = await anonymous.createTask({ title: "t" });
    await todoward.createTask({ title: "u" });
    expect(isProblem(await rejection(todoward.adoptAccount(fresh(guest))), "adopt_refused")).toBe(true);
    expect(await todoward.adoptAccount(fresh(guest, true))).toEqual({ tasks: 1, lists: 0 });
    expect(await todoward.readTask(task.id)).toMatchObject({ title: "t" });
    expect(await todoward.adoptAccount(fresh(guest, true))).toEqual({ tasks: 0, lists: 0 });
  });
});
