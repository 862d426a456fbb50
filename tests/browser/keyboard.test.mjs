import { expect, test } from "./support/test.mjs";

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
