import { expect, test } from "./support/test.mjs";

/** A refusal as Todoward sends it. */
function problem(status, code, errors = []) {
  const body = { type: "about:blank", title: code, status, detail: `it is ${code}`, instance: "/api/v1/tasks", code, request_id: "1", errors };
  return { status, contentType: "application/problem+json", body: JSON.stringify(body) };
}

test("what the server refuses is taken back, says what and why, and is tried again", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 422/ });
  const { page, todo } = ada;
  await ada.start();
  await page.route("**/api/v1/tasks/*", (route) => route.fulfill(problem(422, "quota_exceeded")), { times: 1 });
  await todo.add("One too many");
  const notice = page.getByRole("alert").filter({ hasText: "“One too many” couldn’t be saved: you’ve reached the limit for your account" });
  await expect(notice).toBeVisible();
  await todo.shows();
  // A reload keeps the notice.
  await page.reload();
  await todo.ready();
  await notice.getByRole("button", { name: "Try again" }).click();
  await expect(notice).toBeHidden();
  await todo.shows("One too many");
  await expect.poll(() => ada.titles()).toEqual(["One too many"]);
});

test("a field that the server refuses is named, and the text can be copied", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 422/, context: { permissions: ["clipboard-read", "clipboard-write"] } });
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  const errors = [{ pointer: "/description", detail: "must not be about rent" }];
  await page.route("**/api/v1/tasks/*", (route) => route.fulfill(problem(422, "invalid_task", errors)), { times: 1 });
  const editor = await todo.edit("Pay the rent");
  await editor.notes.fill("By transfer");
  await editor.notes.blur();
  const notice = page.getByRole("alert").filter({ hasText: "“Pay the rent” couldn’t be saved: description must not be about rent." });
  await expect(notice).toBeVisible();
  await expect(editor.notes).toHaveValue("");
  await notice.getByRole("button", { name: "Copy text" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("By transfer");
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await expect(notice).toBeHidden();
});

test("a title as long as it may be is saved, and nothing longer can be typed", async ({ visitor }) => {
  const ada = await visitor();
  const { todo } = ada;
  await ada.start();
  await todo.title.fill("a".repeat(1300));
  await todo.title.press("Enter");
  await expect.poll(async () => (await ada.titles())[0]?.length).toBe(1000);
});
