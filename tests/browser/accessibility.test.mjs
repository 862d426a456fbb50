import { accessible } from "./support/axe.mjs";
import { expect, test } from "./support/test.mjs";

const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const [name, context] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", ...PHONE }],
  ["phone, dark", { colorScheme: "dark", ...PHONE }],
]) {
  test(`axe finds nothing in any place, ${name}`, async ({ visitor }) => {
    test.slow();
    const phone = name.startsWith("phone");
    const ada = await visitor({ context, allowed: /status of 4(01|12|29)|net::ERR/ });
    const { page, todo } = ada;
    await page.goto("/sign-in");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/Enter/);
    await accessible(page, "sign-in");
    await page.goto("/sign-up");
    await accessible(page, "sign-up");

    await ada.start("/");
    await expect(page.getByRole("heading", { name: "Nothing due today" })).toBeVisible();
    await accessible(page, "an empty place");
    const list = (await ada.api("POST", "/lists", { name: "Garden", color: "#3a8a3f" })).data;
    await ada.api("POST", "/lists", { name: "Old", archived: true });
    const above = await ada.create({ title: "Overdue", due_date: "2020-01-01", priority: "high", tags: ["home", "money"], list_id: list.id });
    await ada.create({ title: "Below", parent_id: above.id });
    await ada.create({ title: "Today", due_date: day(0), due_time: "14:00", priority: "medium", description: "Notes" });
    await ada.create({ title: "Soon", due_date: day(2), priority: "low", recurrence: { rule: "FREQ=DAILY" } });
    const { id } = await ada.create({ title: "Finished", priority: "high", tags: ["home"] });
    await ada.api("PATCH", `/tasks/${id}`, { completed: true });
    const gone = await ada.create("Thrown away");
    await ada.api("DELETE", `/tasks/${gone.id}`);
    for (const path of ["/", "/inbox", "/upcoming", "/upcoming?view=month", "/all", "/all?tag=home&priority=high", "/all?q=overdue", "/all?q=zzz", "/done", "/trash", "/settings", `/lists/${list.id}`]) {
      await todo.open(path);
      await accessible(page, path);
    }
    await todo.open("/all");
    await expect(todo.row("Overdue")).toBeVisible();
    await page.getByRole("button", { name: "Filter and sort" }).click();
    await accessible(page, "the filters");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Account of/ }).click();
    await accessible(page, "the account");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await expect(todo.dialog).toBeVisible();
    await accessible(page, "the help");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await expect(todo.dialog).toBeVisible();
    await page.keyboard.type("o");
    await accessible(page, "the command menu");
    await page.keyboard.press("Escape");
    await todo.title.fill("Typed");
    await accessible(page, "the composer");
    await todo.title.fill("");

    if (phone) {
      await page.getByRole("button", { name: "Open sidebar" }).tap();
    }
    await page.getByRole("button", { name: "New list" }).click();
    await accessible(page, "a new list");
    await page.keyboard.press("Escape");
    if (phone) {
      await page.getByRole("button", { name: "Close sidebar" }).tap();
      await page.getByRole("button", { name: "New task" }).tap();
      await accessible(page, "a new task on a phone");
      await page.keyboard.press("Escape");
    }
    const editor = await todo.edit("Overdue");
    await editor.tags.focus();
    await accessible(page, "the details");
    await editor.title.fill(" ");
    await accessible(page, "the details without a title");
    await editor.close.click();
    await expect(editor.form).toBeHidden();
    await todo.check("Overdue").focus();
    await page.keyboard.press("Shift+X");
    await expect(todo.selected).toBeVisible();
    await todo.selected.getByRole("button", { name: "Move to list" }).click();
    await accessible(page, "a selection");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");

    // A conflict of very long values: none of them has a scroll area of its own, and none is wider than the dialog.
    const local = { title: "x".repeat(200), description: "Line\n".repeat(60) };
    await ada.context.setOffline(true);
    const long = await todo.edit("Today");
    await long.notes.fill(local.description);
    await long.title.fill(local.title);
    await todo.editor(local.title).close.click();
    const { data } = await ada.api("GET", "/tasks?q=today");
    await ada.api("PATCH", `/tasks/${data.items[0].id}`, { title: "z".repeat(200), description: "y".repeat(3000) });
    await accessible(page, "offline");
    await ada.context.setOffline(false);
    await expect(page.getByText(/was changed on another device, too/)).toBeVisible({ timeout: 30_000 });
    await accessible(page, "a conflict for later");
    await page.getByRole("button", { name: "Compare" }).first().click();
    await accessible(page, "a conflict");
    expect(await todo.dialog.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBe(0);
    await todo.dialog.getByRole("button", { name: "Use other device’s" }).click();
    await expect(todo.dialog).toBeHidden();

    await todo.check("Soon").click();
    await expect(todo.undo).toBeVisible();
    await accessible(page, "a message");
    await page.goto("/trash");
    await page.getByRole("button", { name: "Empty trash" }).click();
    await accessible(page, "the question whether to empty the trash");
    await page.keyboard.press("Escape");
    await ada.auth("POST", "/sign-out", {});
    await ada.context.clearCookies();
    await page.reload();
    await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  });
}

test("who wants less motion gets none", async ({ visitor }) => {
  /** Completes a task; gives a function that tells the longest animation of its row that has ended, in seconds. */
  const complete = async (reducedMotion) => {
    const ada = await visitor({ context: { reducedMotion } });
    await ada.signUp();
    await ada.create("Breathe out");
    await ada.todo.open();
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

test("forced colours show which place, view and task are chosen, and what is checked", async ({ visitor }) => {
  const ada = await visitor({ context: { forcedColors: "active" } });
  await ada.signUp();
  await ada.create("One");
  const { page, todo } = ada;
  await todo.open("/upcoming");
  const outlined = (locator) => locator.evaluate((one) => getComputedStyle(one).outlineStyle);
  expect(await outlined(page.locator("nav [aria-current=page]"))).toBe("solid");
  expect(await outlined(page.locator("label:has([name=view]:checked)"))).toBe("solid");
  await todo.go("All tasks");
  await todo.check("One").focus();
  await page.keyboard.press("Shift+X");
  expect(await outlined(todo.rows.locator("div > div[class*=inner]"))).toBe("solid");
});

test("at 200 % and 400 % nothing is cut off or wider than the window", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create({ title: `${"long ".repeat(30)}${"x".repeat(80)}`, tags: ["a".repeat(60)], description: "b".repeat(400), due_date: day(0) });
  const { page, todo } = ada;
  // A window of 1280 × 800 at a zoom of 200 %, and an even smaller one.
  for (const size of [{ width: 640, height: 400 }, { width: 320, height: 256 }]) {
    await page.setViewportSize(size);
    for (const path of ["/", "/all", "/upcoming", "/upcoming?view=month", "/trash"]) {
      await todo.open(path);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), `${path} ${size.width}`).toBeLessThanOrEqual(0);
    }
  }
});
