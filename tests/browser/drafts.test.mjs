import { expect, test } from "./support/test.mjs";

test("a reload keeps the task that is being typed and the one that is being edited", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  await editor.notes.fill("By transfer");
  await todo.title.fill("Half a thought");
  await todo.composer.getByLabel("Priority").selectOption({ label: "Medium" });
  await page.reload();
  await expect(todo.title).toHaveValue("Half a thought");
  await expect(todo.composer.getByLabel("Priority")).toHaveValue("medium");
  await expect(editor.title).toHaveValue("Pay the rent of May");
  await expect(editor.notes).toHaveValue("By transfer");
  await editor.save.click();
  await todo.composer.getByRole("button", { name: "Add task" }).click();
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Half a thought"]);
});

test("a deletion that waits for an undo is done when the page goes", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Old news");
  await ada.create("Good news");
  await ada.todo.open();
  await ada.todo.delete("Old news");
  await ada.todo.shows("Good news");
  await ada.page.goto("about:blank");
  await expect.poll(() => ada.titles()).toEqual(["Good news"]);
});

test("what is typed into a task while its last change is on its way is kept and saved", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = ada;
  await ada.signUp();
  const { id } = await ada.create("Pay the rent");
  await todo.open();
  let release;
  const held = new Promise((done) => (release = done));
  await page.route(`**/api/v1/tasks/${id}`, async (route) => {
    await held;
    await route.continue();
  });
  let editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  await editor.save.click();
  await expect(todo.row("Pay the rent of May")).toBeVisible();
  await page.getByRole("button", { name: "Edit Pay the rent of May" }).click();
  editor = todo.editor("Pay the rent");
  await editor.notes.fill("By transfer");
  await editor.save.click();
  await expect(editor.form).toBeHidden();
  await page.getByRole("button", { name: "Edit Pay the rent of May" }).click();
  await expect(editor.notes).toHaveValue("By transfer");
  await editor.priority.selectOption({ label: "High" });
  release();
  const task = async () => (await ada.api("GET", `/tasks/${id}`)).data;
  await expect.poll(async () => (await task()).description).toBe("By transfer");
  const open = todo.editor("Pay the rent of May");
  await expect(open.priority).toHaveValue("high");
  await open.save.click();
  await expect.poll(task).toMatchObject({ title: "Pay the rent of May", description: "By transfer", priority: "high" });
  await expect(open.form).toBeHidden();
  await todo.shows("Pay the rent of May");
});
