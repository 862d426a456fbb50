import { expect, test } from "./support/test.mjs";

const stored = async (ada, id) => (await ada.api("GET", `/tasks/${id}`)).data;

/** A task that two devices change without knowing of each other: `there`, and later `here`. */
async function apart(visitor, there, here) {
  const ada = await visitor({ allowed: /status of (412|50)|net::ERR_/ });
  await ada.signUp();
  const task = await ada.create({ title: "Plan the trip", priority: "low", tags: ["travel"] });
  const { todo, context } = ada;
  await todo.open();
  await context.setOffline(true);
  const editor = await todo.edit("Plan the trip");
  await here(editor);
  await ada.page.getByRole("button", { name: "Close details" }).click();
  expect((await ada.api("PATCH", `/tasks/${task.id}`, there)).status).toBe(200);
  await context.setOffline(false);
  return { ada, id: task.id, todo };
}

test("different fields that two devices change are merged, and nobody is asked", async ({ visitor }) => {
  const { ada, id, todo } = await apart(visitor, { priority: "high", tags: ["travel", "family"] }, async (editor) => {
    await editor.notes.fill("By train");
    await editor.tags.fill("2027");
    await editor.tags.press("Enter");
  });
  await expect.poll(() => stored(ada, id), { timeout: 30_000 }).toMatchObject({ description: "By train", priority: "high", tags: ["travel", "family", "2027"] });
  await expect(todo.row("Plan the trip")).toContainText("High");
  await expect(todo.row("Plan the trip")).toContainText("By train");
  await expect(ada.page.getByText("changed on another device")).toBeHidden();
});

async function sameField(visitor) {
  const result = await apart(visitor, { title: "Plan the trip to Oslo", priority: "high" }, async (editor) => {
    await editor.title.fill("Plan the trip to Rome");
    await expect(rome(editor)).toBeVisible();
  });
  const { ada, todo } = result;
  // Until somebody decides, the task stays as the other device wrote it, and the app goes on.
  await expect(ada.page.getByText("“Plan the trip to Oslo” was changed on another device, too.")).toBeVisible({ timeout: 30_000 });
  await todo.shows("Plan the trip to Oslo");
  await todo.add("Meanwhile");
  await expect.poll(() => ada.titles()).toContain("Meanwhile");
  await ada.page.getByRole("button", { name: "Compare" }).first().click();
  const group = todo.dialog.getByRole("group", { name: "Title" });
  await expect(group).toContainText("Plan the trip to Rome");
  await expect(group).toContainText("Plan the trip to Oslo");
  await expect(todo.dialog.getByRole("group")).toHaveCount(1);
  return result;
}

const rome = (editor) => editor.form.page().getByRole("checkbox", { name: "Plan the trip to Rome", exact: true });

test("one field that two devices change is asked about, and this device's is kept", async ({ visitor }) => {
  const { ada, id, todo } = await sameField(visitor);
  await todo.dialog.getByRole("button", { name: "Save choice" }).click();
  await expect(todo.row("Plan the trip to Rome")).toBeVisible();
  await expect.poll(() => stored(ada, id)).toMatchObject({ title: "Plan the trip to Rome", priority: "high" });
  await todo.undo.click();
  await expect.poll(() => stored(ada, id)).toMatchObject({ title: "Plan the trip to Oslo", priority: "high" });
});

test("one field that two devices change is asked about, also after a reload, and the other device's is kept", async ({ visitor }) => {
  const { ada, id, todo } = await sameField(visitor);
  await todo.dialog.getByRole("button", { name: "Decide later" }).click();
  await expect(todo.dialog).toBeHidden();
  await ada.page.reload();
  await ada.page.getByRole("button", { name: "Compare" }).first().click();
  await todo.dialog.getByLabel("Other device").check();
  await todo.dialog.getByRole("button", { name: "Save choice" }).click();
  await expect(ada.page.getByRole("button", { name: "Compare" })).toBeHidden();
  await expect(todo.row("Plan the trip to Oslo")).toBeVisible();
  expect(await stored(ada, id)).toMatchObject({ title: "Plan the trip to Oslo", priority: "high" });
});

test("what is being typed is not overwritten by another device, nor does it overwrite it unseen", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 412/ });
  await ada.signUp();
  const { id } = await ada.create("Plan the trip");
  const { page, todo } = ada;
  await page.clock.install();
  await todo.open();
  const editor = await todo.edit("Plan the trip");
  // With a paused clock the app never thinks that typing has paused.
  await page.clock.pauseAt(Date.now() + 5_000);
  await editor.title.fill("Plan the trip to Rome");
  await ada.api("PATCH", `/tasks/${id}`, { title: "Plan the trip to Oslo" });
  await expect(todo.check("Plan the trip to Oslo")).toBeVisible();
  await expect(todo.editor("Plan the trip to Oslo").title).toHaveValue("Plan the trip to Rome");
  await page.clock.fastForward("00:01");
  await expect(todo.editor("Plan the trip to Oslo").form).toContainText("Also changed on another device while you were editing.");
  expect((await stored(ada, id)).title).toBe("Plan the trip to Oslo");
});

test("what was typed into a task that was deleted elsewhere can be saved as a new one", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of (404|412|50)|net::ERR_/ });
  await ada.signUp();
  const task = await ada.create("Write the letter");
  const { page, todo, context } = ada;
  await todo.open();
  await context.setOffline(true);
  const editor = await todo.edit("Write the letter");
  await editor.notes.fill("Dear all,");
  await editor.close.click();
  expect((await ada.api("DELETE", `/tasks/${task.id}?permanent=true`)).status).toBe(204);
  await context.setOffline(false);
  await expect(page.getByText(/“Write the letter” couldn’t be saved: the task was deleted on another device/)).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Save as new" }).click();
  await expect(todo.row("Write the letter")).toContainText("Dear all,");
  await expect.poll(() => ada.titles()).toEqual(["Write the letter"]);
});

test("two tabs that edit one task merge without a question", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const { id } = await ada.create("Plan the trip");
  const other = await ada.newTab();
  await ada.todo.open();
  await other.open();
  const mine = await ada.todo.edit("Plan the trip");
  const theirs = await other.edit("Plan the trip");
  await mine.notes.fill("By train");
  await theirs.priority.selectOption({ label: "High" });
  await expect(mine.priority).toHaveValue("high");
  await expect(theirs.notes).toHaveValue("By train");
  await expect.poll(() => stored(ada, id)).toMatchObject({ description: "By train", priority: "high" });
});
