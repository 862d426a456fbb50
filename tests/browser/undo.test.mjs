import { expect, test } from "./support/test.mjs";

/** All tasks and lists, with the fields that a user sees. */
async function everything(ada) {
  const { data: tasks } = await ada.api("GET", "/tasks?sort=position&limit=100");
  const { data: lists } = await ada.api("GET", "/lists");
  const of = ({ title, completed, priority, due_date, due_time, recurrence, tags, list_id, parent_id, description }) => ({
    title, completed, priority, due_date, due_time, recurrence, tags, list_id, parent_id, description,
  });
  // Positions can be compared among siblings only.
  const among = (one) => `${one.list_id} ${one.parent_id}`;
  const ordered = tasks.items.toSorted((one, other) => among(one).localeCompare(among(other)));
  return { tasks: ordered.map(of), lists: lists.items.map(({ name, color, archived }) => ({ name, color, archived })) };
}

test("every action is undone, and leaves everything as it was", async ({ visitor }) => {
  test.slow();
  const ada = await visitor();
  await ada.signUp();
  const { page, todo } = ada;
  const list = (await ada.api("POST", "/lists", { name: "Work", color: "#2f78c8" })).data;
  await ada.api("POST", "/lists", { name: "Home" });
  const above = await ada.create({ title: "One", list_id: list.id, due_date: "2030-01-31", due_time: "09:00", recurrence: { rule: "FREQ=MONTHLY" } });
  await ada.create({ title: "Below", parent_id: above.id });
  await ada.create({ title: "Two", list_id: list.id, priority: "low", tags: ["a", "b"] });
  await ada.create({ title: "Three", list_id: list.id });
  await todo.open(`/lists/${list.id}`);
  await todo.tree("1 One", "2 Below", "1 Two", "1 Three");
  const before = await everything(ada);
  const focus = (title) => todo.check(title).focus();
  const moveMenu = async (name, item) => {
    await page.getByRole("button", { name: `More actions for ${name}` }).click();
    await page.getByRole("button", { name: item, exact: true }).click();
  };
  const details = (run) => async () => {
    const editor = await todo.edit("Two");
    await run(editor);
    await editor.close.click();
  };

  const actions = {
    "complete a task": () => todo.check("Two").click(),
    "complete a recurring task and what is below": () => todo.check("One").click(),
    "delete a task and what is below": () => todo.delete("One"),
    "change the title": details(async (editor) => {
      await editor.title.fill("Other words");
      await editor.title.press("Enter");
      await expect(todo.row("Other words")).toBeVisible();
      await todo.editor("Other words").close.click();
    }).bind(null),
    "change the notes": details((editor) => editor.notes.fill("New notes")),
    "change the priority": details((editor) => editor.priority.selectOption({ label: "High" })),
    "change the due date": details((editor) => editor.due.fill("2031-05-05")),
    "add a tag": details(async (editor) => {
      await editor.tags.fill("c");
      await editor.tags.press("Enter");
    }),
    "move to another list": details((editor) => editor.list.selectOption({ label: "Home" })),
    "move by the keyboard": async () => {
      await focus("Three");
      await page.keyboard.press("Alt+ArrowUp");
    },
    "indent": async () => {
      await focus("Two");
      await page.keyboard.press("Alt+ArrowRight");
    },
    "outdent": async () => {
      await focus("Below");
      await page.keyboard.press("Alt+ArrowLeft");
    },
    "act on several": async () => {
      await focus("Two");
      await page.keyboard.press("Shift+X");
      await page.keyboard.press("Shift+ArrowDown");
      await todo.selected.getByRole("button", { name: "Set priority" }).click();
      await page.getByRole("button", { name: "High", exact: true }).click();
    },
    "delete several": async () => {
      await focus("Two");
      await page.keyboard.press("Shift+X");
      await page.keyboard.press("Shift+ArrowDown");
      await todo.selected.getByRole("button", { name: "Delete" }).click();
    },
    "add a task": () => todo.add("Four"),
    "archive a list": () => moveMenu("Home", "Archive"),
    "move a list": () => moveMenu("Home", "Move up"),
    "delete a list": () => moveMenu("Home", "Delete list"),
  };
  actions["change the title"] = async () => {
    const editor = await todo.edit("Two");
    await editor.title.fill("Other words");
    await expect(todo.row("Other words")).toBeVisible();
    await todo.editor("Other words").close.click();
  };
  for (const [name, act] of Object.entries(actions)) {
    await test.step(name, async () => {
      await act();
      await expect.poll(() => everything(ada), { message: `${name} is done` }).not.toEqual(before);
      await page.locator("h1").focus();
      await page.keyboard.press(name.length % 2 ? "u" : "Control+z");
      await expect(todo.messages).toContainText("Undone: ");
      await expect.poll(() => everything(ada), { message: `${name} is undone`, timeout: 15_000 }).toEqual(before);
      await todo.tree("1 One", "2 Below", "1 Two", "1 Three");
    });
  }
  await page.keyboard.press("u");
  await expect(todo.messages).toContainText("Nothing to undo.");
});

test("a task that is restored from the trash is undone, too", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const { id } = await ada.create("Old news");
  await ada.api("DELETE", `/tasks/${id}`);
  const { page, todo } = ada;
  await todo.open("/trash");
  await page.getByRole("button", { name: "Restore Old news" }).click();
  await expect.poll(() => ada.titles()).toEqual(["Old news"]);
  await todo.undo.click();
  await expect(page.getByText("Old news", { exact: true })).toBeVisible();
  await expect.poll(() => ada.titles()).toEqual([]);
});
