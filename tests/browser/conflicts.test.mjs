import { expect, test } from "./support/test.mjs";

/** Two tabs edit the same task; the other one has saved. */
async function twoTabs(visitor) {
  const ada = await visitor({ allowed: /status of 412/ });
  await ada.signUp();
  await ada.create({ title: "Plan the trip", priority: "low" });
  const other = await ada.newTab();
  await ada.todo.open();
  await other.open();
  const mine = await ada.todo.edit("Plan the trip");
  await mine.title.fill("Plan the trip to Rome");
  const theirs = await other.edit("Plan the trip");
  await theirs.title.fill("Plan the trip to Oslo");
  await theirs.priority.selectOption({ label: "High" });
  await theirs.save.click();
  await expect(other.row("Plan the trip to Oslo")).toBeVisible();
  await expect.poll(() => ada.titles()).toEqual(["Plan the trip to Oslo"]);
  await mine.save.click();
  const { dialog } = ada.todo;
  await expect(dialog.getByRole("heading", { name: "Changed elsewhere" })).toBeVisible();
  await expect(dialog.getByRole("group", { name: "Title" })).toContainText("Plan the trip to Rome");
  await expect(dialog.getByRole("group", { name: "Title" })).toContainText("Plan the trip to Oslo");
  await expect(dialog.getByRole("group", { name: "Priority" })).toContainText("High");
  return { ada, dialog };
}

const stored = async (ada) => (await ada.api("GET", "/tasks")).data.items.map(({ title, priority }) => [title, priority]);

test("a conflict of two tabs is shown, and mended by keeping what was typed", async ({ visitor }) => {
  const { ada, dialog } = await twoTabs(visitor);
  await dialog.getByRole("button", { name: "Keep mine" }).click();
  await ada.todo.shows("Plan the trip to Rome");
  await expect.poll(() => stored(ada)).toEqual([["Plan the trip to Rome", "low"]]);
});

test("a conflict of two tabs is mended by taking the other version", async ({ visitor }) => {
  const { ada, dialog } = await twoTabs(visitor);
  await dialog.getByRole("button", { name: "Take theirs" }).click();
  await ada.todo.shows("Plan the trip to Oslo");
  expect(await stored(ada)).toEqual([["Plan the trip to Oslo", "high"]]);
});

test("a conflict is mended field by field, later", async ({ visitor }) => {
  const { ada, dialog } = await twoTabs(visitor);
  await dialog.getByRole("button", { name: "Decide later" }).click();
  await expect(dialog).toBeHidden();
  const row = ada.todo.rows;
  await expect(row).toContainText("Changed elsewhere while you edited it.");
  await row.getByRole("button", { name: "Compare" }).click();
  // The title was typed here, the priority only there.
  await expect(dialog.getByRole("group", { name: "Title" }).getByLabel("Yours")).toBeChecked();
  await expect(dialog.getByRole("group", { name: "Priority" }).getByLabel("Theirs")).toBeChecked();
  await dialog.getByRole("button", { name: "Save selection" }).click();
  await ada.todo.shows("Plan the trip to Rome");
  await expect.poll(() => stored(ada)).toEqual([["Plan the trip to Rome", "high"]]);
});

test("a conflict of one field is mended by choosing", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 412/ });
  await ada.signUp();
  const { id } = await ada.create("Plan the trip");
  await ada.todo.open();
  const editor = await ada.todo.edit("Plan the trip");
  await editor.title.fill("Plan the trip to Rome");
  await ada.api("PATCH", `/tasks/${id}`, { title: "Plan the trip to Oslo" });
  await editor.save.click();
  const { dialog } = ada.todo;
  await expect(dialog.getByRole("group")).toHaveCount(1);
  await dialog.getByRole("group", { name: "Title" }).getByLabel("Theirs").check();
  await dialog.getByRole("button", { name: "Save selection" }).click();
  await ada.todo.shows("Plan the trip to Oslo");
  expect(await ada.titles()).toEqual(["Plan the trip to Oslo"]);
});

test("what was typed into a task that was deleted elsewhere can be saved as a new one", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 404/ });
  await ada.signUp();
  const task = await ada.create("Write the letter");
  const { todo } = ada;
  await todo.open();
  const editor = await todo.edit("Write the letter");
  await editor.notes.fill("Dear all,");
  expect((await ada.api("DELETE", `/tasks/${task.id}`)).status).toBe(204);
  await editor.save.click();
  await expect(todo.unsaved).toContainText("deleted elsewhere");
  await todo.unsaved.getByRole("button", { name: "Save as a new task" }).click();
  await expect(todo.row("Write the letter")).toContainText("Dear all,");
  await expect.poll(() => ada.titles()).toEqual(["Write the letter"]);
});

test("a task that was changed here, just before, is deleted", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = ada;
  await page.clock.install();
  await ada.signUp();
  await ada.create("Old title");
  await todo.open("/?status=all");
  let release;
  const held = new Promise((done) => (release = done));
  const changed = new Promise((done) =>
    page.route("**/complete", async (route) => {
      const response = await route.fetch();
      done();
      await held;
      await route.fulfill({ response });
    }),
  );
  await todo.check("Old title").focus();
  await page.keyboard.press("x");
  await changed;
  await page.keyboard.press("Delete");
  await todo.shows();
  // The time to undo is over, and the answer to the change is still on its way.
  await page.clock.fastForward("00:08");
  release();
  await expect.poll(() => ada.titles()).toEqual([]);
  await expect(todo.messages).toHaveText("");
});

test("a task that was changed elsewhere is not deleted", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 412/ });
  await ada.signUp();
  const { id } = await ada.create("Old title");
  await ada.todo.open();
  await expect(ada.todo.row("Old title")).toBeVisible();
  expect((await ada.api("PATCH", `/tasks/${id}`, { title: "New title" })).status).toBe(200);
  await ada.todo.delete("Old title");
  await expect(ada.todo.messages).toContainText("was changed elsewhere, so it was not deleted");
  await ada.todo.shows("New title");
});
