import { expect, test } from "./support/test.mjs";

test("a key that is pressed as soon as the page can be seen is not lost", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.addInitScript(() => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector("[data-composer]")) return;
      watch.disconnect();
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true, cancelable: true }));
    });
    watch.observe(document, { childList: true, subtree: true });
  });
  const todo = await ada.start();
  await expect(todo.title).toBeFocused();
});

test("everything can be done with the keyboard alone", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start();
  const { keyboard } = todo.page;

  for (const title of ["Alpha", "Bravo", "Charlie"]) {
    await keyboard.press("n");
    await expect(todo.title).toBeFocused();
    await keyboard.type(title);
    await keyboard.press("Enter");
    await expect(todo.row(title)).toBeVisible();
    await expect(todo.unsaved).toBeHidden();
    await keyboard.press("Escape");
  }
  await todo.shows("Alpha", "Bravo", "Charlie");

  await keyboard.press("j");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("j");
  await expect(todo.check("Bravo")).toBeFocused();
  await keyboard.press("j");
  await expect(todo.check("Charlie")).toBeFocused();
  await keyboard.press("k");
  await expect(todo.check("Bravo")).toBeFocused();

  await keyboard.press("e");
  const editor = todo.editor("Bravo");
  await expect(editor.title).toBeFocused();
  await keyboard.press("End");
  await keyboard.type(" two");
  await keyboard.press("Control+Enter");
  await expect(todo.check("Bravo two")).toBeFocused();
  await expect.poll(() => ada.titles()).toContain("Bravo two");

  await keyboard.press("e");
  await keyboard.type("never mind");
  await keyboard.press("Escape");
  await expect(todo.check("Bravo two")).toBeFocused();

  await keyboard.press("x");
  await todo.shows("Alpha", "Charlie");
  await expect(todo.check("Charlie")).toBeFocused();

  await keyboard.press("Delete");
  await todo.shows("Alpha");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("u");
  await expect(todo.check("Charlie")).toBeFocused();

  await keyboard.press("/");
  await expect(todo.search).toBeFocused();
  await keyboard.type("alph");
  await todo.shows("Alpha");
  await keyboard.press("Escape");
  await todo.shows("Alpha", "Charlie");
  await keyboard.press("Escape");

  await keyboard.press("?");
  await expect(todo.dialog.getByRole("heading", { name: "Keyboard" })).toBeVisible();
  await keyboard.press("x");
  await keyboard.press("Escape");
  await expect(todo.dialog).toBeHidden();
  await todo.shows("Alpha", "Charlie");
});

test("the arrow keys choose among Open, Done and All where these have the focus", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  await todo.open();
  await todo.shows("Alpha");
  await page.getByRole("radio", { name: "Open" }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "Done" })).toBeChecked();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "All" })).toBeChecked();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("radio", { name: "Done" })).toBeChecked();
});

test("keys that an input method uses to compose a word neither leave a field nor take half a tag", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  await todo.open();
  const compose = (field, key) => field.dispatchEvent("keydown", { key, isComposing: true });
  const editor = await todo.edit("Alpha");
  await editor.title.fill("Alpha two");
  await compose(editor.title, "Escape");
  await editor.tags.fill("ho");
  await compose(editor.tags, "Enter");
  await expect(editor.tags).toHaveValue("ho");
  await expect(editor.title).toHaveValue("Alpha two");
  await todo.title.focus();
  await compose(todo.title, "Escape");
  await expect(todo.title).toBeFocused();
  await todo.search.fill("alp");
  await compose(todo.search, "Escape");
  await expect(todo.search).toHaveValue("alp");
  await expect(page.getByText("Change discarded")).toBeHidden();
});

test("the keys of the list do nothing on the buttons of an open editor", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Alpha");
  await editor.title.fill("Alpha two");
  await editor.cancel.focus();
  await page.keyboard.press("Delete");
  await page.keyboard.press("x");
  await expect(editor.title).toHaveValue("Alpha two");
  await editor.save.click();
  await todo.shows("Alpha two");
  await expect(todo.check("Alpha two")).not.toBeChecked();
});

test("single keys can be switched off, for good, and others still act", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  await todo.open();
  await todo.shows("Alpha");
  const { keyboard } = page;
  const account = page.getByRole("button", { name: /^Account of/ });
  const setting = page.getByRole("checkbox", { name: "Single-key shortcuts" });
  await account.click();
  await setting.uncheck();
  await keyboard.press("Escape");
  await page.reload();
  await todo.shows("Alpha");
  for (const key of ["n", "/", "j", "?"]) await keyboard.press(key);
  await expect(page.locator("body")).toBeFocused();
  await expect(todo.dialog).toBeHidden();
  await keyboard.press("ArrowDown");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("x");
  await expect(todo.check("Alpha")).not.toBeChecked();

  await account.click();
  await setting.check();
  await keyboard.press("Escape");
  await keyboard.press("n");
  await expect(todo.title).toBeFocused();
});
