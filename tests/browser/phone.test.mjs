import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

const fits = (page) =>
  expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);

test("the story on a phone, by tapping, and nothing is wider than the screen", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  const { page, todo, email } = ada;
  await page.goto("/sign-up");
  await fits(page);
  await page.getByLabel("Name").fill(ada.name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).tap();
  await page.getByRole("button", { name: "Add your first task" }).tap();
  await expect(todo.title).toBeFocused();
  await fits(page);

  const long = `A title without end ${"and without a space ".repeat(3)}${"x".repeat(60)}`;
  await todo.title.fill(`${long} #a-rather-long-tag-of-somebody !high @tomorrow`);
  await fits(page);
  await todo.composer.getByRole("button", { name: "Add task" }).tap();
  await expect(todo.row(long)).toBeVisible();
  await todo.title.fill("Buy coffee");
  await page.keyboard.press("Enter");
  await expect(todo.row("Buy coffee")).toBeVisible();
  await fits(page);

  await page.getByRole("button", { name: "Edit Buy coffee" }).tap();
  const editor = todo.editor("Buy coffee");
  await editor.title.fill("Buy tea");
  for (const tag of ["home", "kitchen", "shopping", "one-that-is-rather-long-for-a-tag"]) {
    await editor.tags.fill(tag);
    await editor.tags.press("Enter");
  }
  await fits(page);
  await editor.save.tap();
  await expect(todo.row("Buy tea")).toContainText("home");

  await todo.check("Buy tea").tap();
  await todo.shows(long);
  await page.getByText("All", { exact: true }).tap();
  await expect(todo.check("Buy tea")).toBeChecked();
  await fits(page);

  await page.getByRole("button", { name: `Edit ${long}` }).tap();
  await todo.editor(long).form.getByRole("button", { name: "Delete this task" }).tap();
  await todo.shows("Buy tea");
  await fits(page);
  await todo.messages.getByRole("button", { name: "Undo" }).tap();
  await expect(todo.row(long)).toBeVisible();

  await page.getByRole("button", { name: /^Account of/ }).tap();
  await fits(page);
  await page.getByRole("button", { name: "Sign out" }).tap();
  await expect(page).toHaveURL(/\/sign-in$/);
  await todo.signIn(email, PASSWORD);
  await todo.shows(long);
});

test("a tap on a task opens it, although the form above closes and moves it", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  for (const title of ["One", "Two", "Three", "Four"]) await ada.create(title);
  const { page, todo } = ada;
  await todo.open();
  await todo.title.tap();
  await expect(todo.composer.getByRole("button", { name: "Add task" })).toBeVisible();
  await page.getByRole("button", { name: "Edit Two" }).tap();
  await expect(todo.editor("Two").title).toBeFocused();
  await expect(todo.composer.getByRole("button", { name: "Add task" })).toBeHidden();
});

test("what is tapped is large enough for a finger", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  await ada.create({ title: "Buy tea", priority: "high", tags: ["home"] });
  await ada.todo.open();
  await expect(ada.todo.row("Buy tea")).toBeVisible();
  const small = await ada.page.evaluate(() =>
    [...document.querySelectorAll("button, select, input:not([type=radio])")]
      .filter((one) => one.checkVisibility())
      .map((one) => [one.ariaLabel ?? one.textContent ?? one.tagName, one.getBoundingClientRect()])
      .filter(([, { width, height }]) => Math.min(width, height) < 20)
      .map(([name, { width, height }]) => `${name}: ${width} × ${height}`),
  );
  expect(small).toEqual([]);
});
