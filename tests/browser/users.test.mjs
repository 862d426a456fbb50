import { expect, test } from "./support/test.mjs";

test("two users in two browsers cannot see each other's tasks, nor ask for them", async ({ visitor }) => {
  const ada = await visitor();
  const bob = await visitor({ name: "Bob", allowed: /status of 403/ });
  await ada.start();
  await bob.start();
  await ada.todo.add("A secret of Ada");
  await bob.todo.add("A secret of Bob");
  await ada.todo.shows("A secret of Ada");
  await bob.todo.shows("A secret of Bob");
  await expect.poll(() => ada.titles()).toEqual(["A secret of Ada"]);
  const id = await ada.todo.rows.getAttribute("data-task");

  // Requests of Bob's own page, with Bob's token.
  const answers = await bob.page.evaluate(async (path) => {
    const { token } = await (await fetch("/api/auth/token")).json();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const ask = async (method, body) => {
      const response = await fetch(path, { method, headers, body });
      return [response.status, (await response.json()).code];
    };
    return [await ask("GET"), await ask("PATCH", '{"title":"mine"}'), await ask("DELETE")];
  }, `/backend/api/v1/tasks/${id}`);
  expect(answers).toEqual([
    [403, "not_owner"],
    [403, "not_owner"],
    [403, "not_owner"],
  ]);
  await ada.page.reload();
  await ada.todo.shows("A secret of Ada");
});

test("a page of one user becomes that of another who has signed in in a second tab", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.clock.install();
  await ada.start();
  await ada.todo.add("Only for Ada");
  await ada.todo.shows("Only for Ada");
  await expect.poll(() => ada.titles()).toEqual(["Only for Ada"]);
  const before = await ada.titles();
  await ada.auth("POST", "/sign-out", {});
  await ada.auth("POST", "/sign-up/email", { name: "Eve", email: `eve-${ada.email}`, password: "another password" });
  // The token of Ada's page expires, and the next one would be Eve's.
  await ada.page.clock.fastForward("15:00");
  await ada.todo.title.fill("Typed by Ada");
  await ada.todo.title.press("Enter");
  await expect(ada.page.getByRole("button", { name: "Account of Eve" })).toBeVisible();
  await expect(ada.page.getByRole("heading", { name: "Nothing to do" })).toBeVisible();
  await ada.todo.shows();
  expect(await ada.titles()).toEqual(before);
  ada.token = undefined;
  expect(await ada.titles()).toEqual([]);
});

test("whoever signs out leaves nothing on the device", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = ada;
  await ada.start();
  await todo.add("Only for Ada");
  await todo.shows("Only for Ada");
  const other = await ada.newTab();
  await other.open();
  await expect.poll(() => ada.titles()).toEqual(["Only for Ada"]);
  await todo.signOut();
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).not.toContain("Only for Ada");
  // The other tab has it no more, either.
  await expect(other.rows).toHaveCount(0);
});
