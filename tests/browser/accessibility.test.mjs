import { accessible } from "./support/axe.mjs";
import { expect, test } from "./support/test.mjs";

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious on any page, ${colorScheme}`, async ({ visitor }) => {
    const ada = await visitor({ context: { colorScheme }, allowed: /status of 4(01|12)/ });
    const { page, todo } = ada;
    await page.clock.install();
    await page.goto("/sign-in");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/Enter/);
    await accessible(page, "sign-in");
    await page.goto("/sign-up");
    await accessible(page, "sign-up");

    await ada.start();
    await expect(page.getByRole("heading", { name: "Nothing to do" })).toBeVisible();
    await accessible(page, "an empty list");
    await ada.create({ title: "Overdue", due_date: "2020-01-01", priority: "high", tags: ["home", "money"] });
    await ada.create({ title: "Some day", due_date: "2199-01-01", priority: "medium", description: "Notes" });
    await ada.create({ title: "Undated", priority: "low" });
    const { id } = await ada.create({ title: "Done", priority: "high", tags: ["home"] });
    await ada.api("PATCH", `/tasks/${id}`, { completed: true });
    await page.reload();
    await expect(todo.row("Undated")).toBeVisible();
    await accessible(page, "a list");
    await todo.choice("Filter by tag").selectOption("home");
    await todo.show("All");
    await todo.shows("Overdue", "Done");
    await accessible(page, "a filtered list with done tasks");
    await page.getByRole("button", { name: "Clear completed" }).click();
    await expect(todo.dialog).toBeVisible();
    await accessible(page, "the question whether to clear");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await expect(todo.dialog).toBeVisible();
    await accessible(page, "the help");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Account of/ }).click();
    await accessible(page, "the account");
    await page.keyboard.press("Escape");

    await todo.title.fill("Typed #tag !high @tomorrow");
    await accessible(page, "the composer");
    await todo.title.fill("");
    const editor = await todo.edit("Overdue");
    await accessible(page, "the editor");
    const overdue = (await ada.api("GET", "/tasks?q=overdue")).data.items[0];
    await ada.api("PATCH", `/tasks/${overdue.id}`, { title: "Theirs", priority: "low" });
    await editor.title.fill("Mine");
    await editor.save.click();
    await expect(todo.dialog.getByRole("heading", { name: "Changed elsewhere" })).toBeVisible();
    await accessible(page, "a conflict");
    await todo.dialog.getByRole("button", { name: "Decide later" }).click();
    await expect(todo.dialog).toBeHidden();
    await accessible(page, "a conflict for later");

    // Values as long as they may be: nothing is a scroll area of its own, nor wider than the dialog.
    const long = await ada.create({ title: "x".repeat(200), description: "y".repeat(3000), tags: ["home"] });
    await page.reload();
    const longEditor = await todo.edit(long.title);
    await ada.api("PATCH", `/tasks/${long.id}`, { title: "z".repeat(200), tags: ["t".repeat(50)] });
    await longEditor.notes.fill("Line\n".repeat(60));
    await longEditor.save.click();
    await expect(todo.dialog.getByRole("heading", { name: "Changed elsewhere" })).toBeVisible();
    await accessible(page, "a conflict of long values");
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await todo.dialog.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBe(0);
      await expect(todo.dialog.getByRole("button", { name: "Keep mine" })).toBeVisible();
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await todo.dialog.getByRole("button", { name: "Take theirs" }).click();
    await expect(todo.dialog).toBeHidden();
    await todo.delete("Done");
    await expect(todo.messages.getByRole("button", { name: "Undo" })).toBeVisible();
    await accessible(page, "a message");

    await ada.auth("POST", "/sign-out", {});
    await page.clock.fastForward("15:00");
    await expect(todo.dialog.getByRole("heading", { name: "Your session has expired" })).toBeVisible();
    await accessible(page, "the end of the session");
  });

  test(`axe finds nothing serious while Todoward is away, ${colorScheme}`, async ({ visitor, stack }) => {
    const ada = await visitor({ context: { colorScheme }, allowed: /status of 50[23]/ });
    const { page, todo } = ada;
    await ada.signUp();
    await stack.stopTodoward();
    await todo.open();
    await expect(page.getByRole("heading", { name: "No connection to Todoward" })).toBeVisible();
    await todo.add("Typed in the dark");
    await expect(todo.unsaved).toContainText("Not saved yet.");
    await page.getByText("For developers").click();
    await accessible(page, "an outage");
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(todo.dialog).toBeVisible();
    await accessible(page, "the question whether to sign out");
    await stack.startTodoward();
  });
}

test("who wants less motion gets none", async ({ visitor }) => {
  /** Completes a task; answers how to ask for the longest animation of its row that has ended, in seconds. */
  const complete = async (reducedMotion) => {
    const ada = await visitor({ context: { reducedMotion } });
    await ada.signUp();
    await ada.create("Breathe out");
    await ada.todo.open();
    await ada.page.keyboard.press("?");
    await expect(ada.todo.dialog).toBeVisible();
    await ada.page.keyboard.press("Escape");
    const seen = await ada.todo.row("Breathe out").evaluateHandle((row) => {
      const seen = { longest: 0 };
      const look = ({ elapsedTime }) => (seen.longest = Math.max(seen.longest, elapsedTime));
      for (const end of ["transitionend", "animationend"]) row.addEventListener(end, look);
      return seen;
    });
    await ada.todo.check("Breathe out").click();
    return { todo: ada.todo, longest: () => seen.evaluate(({ longest }) => longest) };
  };
  const lively = await complete("no-preference");
  await expect.poll(lively.longest).toBeGreaterThan(0.1);
  const calm = await complete("reduce");
  await calm.todo.shows();
  expect(await calm.longest()).toBeLessThan(0.001);
});
