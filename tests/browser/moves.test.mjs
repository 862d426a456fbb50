import { expect, test } from "./support/test.mjs";

async function start(visitor) {
  const ada = await visitor();
  await ada.signUp();
  ada.list = (await ada.api("POST", "/lists", { name: "Work" })).data;
  for (const title of ["One", "Two", "Three", "Four"]) await ada.create(title);
  await ada.todo.open();
  await ada.todo.tree("1 One", "1 Two", "1 Three", "1 Four");
  return ada;
}

/** Where each task is, as the server has it. */
async function places(ada) {
  const { data } = await ada.api("GET", "/tasks?limit=100");
  const names = new Map(data.items.map(({ id, title }) => [id, title]));
  return Object.fromEntries(data.items.map(({ title, parent_id, list_id }) => [title, names.get(parent_id) ?? (list_id ? "Work" : "Inbox")]));
}

test("the keyboard moves, indents and outdents a task, keeps the focus, and says where it is", async ({ visitor }) => {
  const ada = await start(visitor);
  const { page, todo } = ada;
  const said = page.locator("[role=status].visually-hidden");
  await todo.check("Three").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await todo.tree("1 One", "1 Three", "1 Two", "1 Four");
  await expect(todo.check("Three")).toBeFocused();
  await expect(said.last()).toHaveText("Position 2 of 4 in Inbox.");
  await page.keyboard.press("Alt+ArrowRight");
  await todo.tree("1 One", "2 Three", "1 Two", "1 Four");
  await expect(todo.check("Three")).toBeFocused();
  await expect(said.last()).toHaveText("Position 1 of 1 under One.");
  await page.keyboard.press("Alt+ArrowRight");
  await expect(said.last()).toHaveText("It can’t move any further that way.");
  await expect.poll(() => places(ada)).toMatchObject({ Three: "One" });
  await page.keyboard.press("Alt+ArrowLeft");
  await todo.tree("1 One", "1 Three", "1 Two", "1 Four");
  await expect.poll(() => places(ada)).toMatchObject({ Three: "Inbox" });
});

test("a handle is picked up, moved and dropped by the keyboard, and Escape puts it back", async ({ visitor }) => {
  const { page, todo } = await start(visitor);
  const said = page.locator("[role=status].visually-hidden").last();
  const handle = page.getByRole("button", { name: "Move Two" });
  await handle.focus();
  await page.keyboard.press("Space");
  await expect(said).toContainText("Picked up Two.");
  await page.keyboard.press("ArrowDown");
  await todo.tree("1 One", "1 Three", "1 Two", "1 Four");
  await expect(handle).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await todo.tree("1 One", "1 Three", "2 Two", "1 Four");
  await expect(handle).toBeFocused();
  await page.keyboard.press("Escape");
  await todo.tree("1 One", "1 Two", "1 Three", "1 Four");
  await expect(said).toContainText("is back where it was");
  await handle.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Space");
  await todo.tree("1 Two", "1 One", "1 Three", "1 Four");
  await expect(said).toContainText("Dropped Two. Position 1 of 4 in Inbox.");
});

test("a task is dragged between others, under another one, to a list and to Today", async ({ visitor }) => {
  const ada = await start(visitor);
  const { page, todo } = ada;
  await todo.drag("Four", todo.row("Two"), { y: 3 });
  await todo.tree("1 One", "1 Four", "1 Two", "1 Three");
  await todo.drag("Three", todo.row("Two"), { y: 3, right: 34 });
  await todo.tree("1 One", "1 Four", "2 Three", "1 Two");
  await expect.poll(() => places(ada)).toMatchObject({ Three: "Four" });
  const places_ = page.getByRole("navigation", { name: "Places" });
  await todo.drag("Two", places_.getByRole("link", { name: /^Work/ }), { x: 60, y: 15, right: null });
  await expect(todo.messages).toContainText("Moved to Work");
  await expect.poll(() => places(ada)).toMatchObject({ Two: "Work" });
  await todo.drag("One", places_.getByRole("link", { name: /^Today/ }), { x: 60, y: 15, right: null });
  await expect(todo.row("One")).toContainText("Today");
  // Dragging a task moves its subtasks too, and letting it go does not open it.
  await todo.drag("Four", places_.getByRole("link", { name: /^Work/ }), { x: 60, y: 15, right: null });
  await expect.poll(() => places(ada)).toMatchObject({ Four: "Work", Three: "Four" });
  await expect(page).toHaveURL(/\/all$/);
});

test("subtasks are hidden and shown, and stay so", async ({ visitor }) => {
  const { page, todo } = await start(visitor);
  await todo.check("Two").focus();
  await page.keyboard.press("Alt+ArrowRight");
  await todo.tree("1 One", "2 Two", "1 Three", "1 Four");
  const toggle = page.getByRole("button", { name: "Subtasks of One" });
  await expect(toggle).toHaveAttribute("aria-expanded", "true");
  await toggle.click();
  await todo.tree("1 One", "1 Three", "1 Four");
  await page.reload();
  await todo.tree("1 One", "1 Three", "1 Four");
  await expect(toggle).toHaveAttribute("aria-expanded", "false");
});

test("several tasks are chosen by mouse and keyboard, and acted upon together", async ({ visitor }) => {
  const ada = await start(visitor);
  const { page, todo } = ada;
  const title = (name) => page.getByRole("button", { name: `Edit ${name}`, exact: true });
  await title("One").click({ modifiers: ["ControlOrMeta"] });
  await title("Three").click({ modifiers: ["Shift"] });
  await expect(todo.selected).toContainText("3 selected");
  await title("Two").click({ modifiers: ["ControlOrMeta"] });
  await expect(todo.selected).toContainText("2 selected");
  await todo.selected.getByRole("button", { name: "Move to list" }).click();
  await page.getByRole("button", { name: "Work", exact: true }).click();
  await expect(todo.messages).toContainText("Moved 2 tasks to Work");
  await expect(todo.selected).toBeHidden();
  await todo.shows("Two", "Four", "One", "Three");

  await todo.check("One").focus();
  await page.keyboard.press("Shift+X");
  await page.keyboard.press("Shift+ArrowDown");
  await todo.selected.getByRole("button", { name: "Add tag" }).click();
  await page.getByRole("textbox", { name: "Tag", exact: true }).fill("#busy");
  await page.keyboard.press("Enter");
  await expect(todo.row("Three")).toContainText("busy");
  await todo.check("One").focus();
  await page.keyboard.press("Shift+X");
  await page.keyboard.press("Shift+ArrowDown");
  await todo.selected.getByRole("button", { name: "Complete" }).click();
  await todo.shows("Two", "Four");
  await expect.poll(async () => (await ada.api("GET", "/tasks?completed=true&tag=busy")).data.items.length).toBe(2);
  await todo.undo.click();
  await todo.shows("Two", "Four", "One", "Three");
  await todo.check("Two").focus();
  await page.keyboard.press("Shift+X");
  await page.keyboard.press("Escape");
  await expect(todo.selected).toBeHidden();
});

test("the details move a task, too", async ({ visitor }) => {
  const { page, todo } = await start(visitor);
  const editor = await todo.edit("Two");
  const act = async (name) => {
    await editor.form.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("button", { name, exact: true }).click();
  };
  await act("Make a subtask of the task above");
  await todo.tree("1 One", "2 Two", "1 Three", "1 Four");
  await editor.form.getByRole("button", { name: "Open the task above: One" }).click();
  await expect(todo.editor("One").form.getByRole("checkbox", { name: "Subtask: Two" })).toBeVisible();
  await todo.editor("One").form.getByRole("button", { name: "Two", exact: true }).click();
  await act("Move up one level");
  await todo.tree("1 One", "1 Two", "1 Three", "1 Four");
  await act("Move down");
  await todo.tree("1 One", "1 Three", "1 Two", "1 Four");
});
