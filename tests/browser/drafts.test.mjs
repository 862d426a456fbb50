import { expect, test } from "./support/test.mjs";

// A page that is closed before the response does not know whether its request was done. The next page repeats it.
const AGAIN = { allowed: /status of 4(04|12)/ };

test("a reload keeps what is being typed, and what was typed into a task is saved", async ({ visitor }) => {
  const ada = await visitor(AGAIN);
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Pay the rent");
  await editor.notes.fill("By transfer");
  await editor.title.fill("Pay the rent of May");
  await todo.title.fill("Half a thought");
  await page.reload();
  await todo.ready();
  await expect(todo.title).toHaveValue("Half a thought");
  const now = todo.editor("Pay the rent of May");
  await expect(now.title).toHaveValue("Pay the rent of May");
  await expect(now.notes).toHaveValue("By transfer");
  await todo.composer.getByRole("button", { name: "Add task" }).click();
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Half a thought"]);
});

test("what is typed in the very moment in which the page goes is saved", async ({ visitor }) => {
  const ada = await visitor(AGAIN);
  await ada.signUp();
  const { id } = await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Pay the rent");
  await editor.notes.pressSequentially("By transfer", { delay: 0 });
  await page.reload();
  await todo.ready();
  await expect(editor.notes).toHaveValue("By transfer");
  await expect.poll(async () => (await ada.api("GET", `/tasks/${id}`)).data.description).toBe("By transfer");
});

test("what was done in the moment before the page goes is done", async ({ visitor }) => {
  const ada = await visitor(AGAIN);
  await ada.signUp();
  await ada.create("Old news");
  await ada.create("Good news");
  await ada.todo.open();
  await ada.todo.delete("Old news");
  await ada.todo.shows("Good news");
  await ada.page.goto("about:blank");
  await ada.todo.open();
  await ada.todo.shows("Good news");
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
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  const open = todo.editor("Pay the rent of May");
  await open.notes.fill("By transfer");
  await open.priority.selectOption({ label: "High" });
  release();
  const task = async () => (await ada.api("GET", `/tasks/${id}`)).data;
  await expect.poll(task).toMatchObject({ title: "Pay the rent of May", description: "By transfer", priority: "high" });
  await expect(open.notes).toHaveValue("By transfer");
});

test("a task without a title is not saved, and says so", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Pay the rent");
  await ada.todo.open();
  const editor = await ada.todo.edit("Pay the rent");
  await editor.title.fill("  ");
  await expect(editor.title).toHaveAccessibleDescription("A task needs a title.");
  await editor.title.blur();
  await expect(editor.title).toHaveValue("Pay the rent");
  expect(await ada.titles()).toEqual(["Pay the rent"]);
});
