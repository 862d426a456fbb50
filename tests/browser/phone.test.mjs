import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

const fits = (page) =>
  expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);

test("the story on a phone, by tapping, and nothing is wider than the screen", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  const { page, todo, email } = ada;
  await page.goto("/sign-up");
  await fits(page);
  await page.getByLabel("Name").fill(ada.name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).tap();
  await expect(todo.heading).toHaveText("Today");
  await todo.ready();
  const go = async (name) => {
    await page.getByRole("button", { name: "Open sidebar" }).tap();
    await page.getByRole("link", { name }).tap();
    await expect(page.getByRole("button", { name: "Close sidebar" })).toBeHidden();
  };
  await go("Inbox");
  await expect(page).toHaveURL(/\/inbox$/);
  await fits(page);

  const long = `A title without end ${"and without a space ".repeat(3)}${"x".repeat(60)}`;
  await page.getByRole("button", { name: "New task" }).tap();
  const field = todo.dialog.getByRole("textbox", { name: "Add a task" });
  await expect(field).toBeFocused();
  await field.fill(long);
  await fits(page);
  await page.keyboard.press("Enter");
  await field.fill("Buy coffee");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(todo.dialog).toBeHidden();
  await todo.shows(long, "Buy coffee");
  await fits(page);

  await page.getByRole("button", { name: "Edit Buy coffee" }).tap();
  await expect(todo.dialog).toBeVisible();
  const editor = todo.editor("Buy coffee");
  for (const tag of ["home", "kitchen", "shopping", "one-that-is-rather-long-for-a-tag"]) {
    await editor.tags.fill(tag);
    await editor.tags.press("Enter");
  }
  await editor.title.fill("Buy tea");
  await fits(page);
  // A message can be reached, although the sheet covers everything else.
  await todo.editor("Buy tea").form.getByRole("checkbox", { name: "Mark as done" }).tap();
  await expect(todo.messages).toContainText("Completed “Buy tea”");
  await todo.undo.tap();
  await expect(todo.editor("Buy tea").form.getByRole("checkbox", { name: "Mark as done" })).not.toBeChecked();
  await todo.editor("Buy tea").close.tap();
  await expect(todo.dialog).toBeHidden();
  await expect(todo.row("Buy tea")).toContainText("home");
  await fits(page);

  await todo.check("Buy tea").tap();
  await todo.shows(long);
  await go("Done");
  await todo.shows("Buy tea");
  // Back closes an open sheet first, and then leaves the place.
  await page.getByRole("button", { name: "Edit Buy tea" }).tap();
  await expect(todo.dialog).toBeVisible();
  await page.goBack();
  await expect(todo.dialog).toBeHidden();
  await page.goBack();
  await todo.shows(long);

  await page.getByRole("button", { name: /^Account of/ }).tap();
  await fits(page);
  await page.getByRole("button", { name: "Sign out" }).tap();
  await expect(page).toHaveURL(/\/sign-in$/);
});

/** A finger on a row that makes moves of so many pixels, each in eight steps. `hold`: first it waits until the row is picked up. */
async function finger(page, row, moves, { hold = false } = {}) {
  const box = await row.boundingBox();
  const session = await page.context().newCDPSession(page);
  let [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const touch = (type, points = [{ x, y }]) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await touch("touchStart");
  if (hold) await expect(page.locator("html[data-dragging=true]")).toBeAttached();
  for (const [right, down] of moves) {
    for (let step = 0; step < 8; step += 1) {
      [x, y] = [x + right / 8, y + down / 8];
      await touch("touchMove");
    }
  }
  await touch("touchEnd", []);
  await session.detach();
}

/** A finger that moves sideways over a row. */
const swipe = (page, row, by, more = []) => finger(page, row, [[by, 0], ...more]);

test("a swipe to the right completes, one to the left offers Today and Delete", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  for (const title of ["One", "Two", "Three"]) await ada.create(title);
  const { page, todo } = ada;
  await todo.open("/inbox");
  await todo.shows("One", "Two", "Three");
  await swipe(page, todo.row("One"), 150);
  await todo.shows("Two", "Three");
  await swipe(page, todo.row("Two"), 40);
  await todo.shows("Two", "Three");
  // The finger moves back before it lifts.
  await swipe(page, todo.row("Two"), 130, [[-110, 0]]);
  await todo.shows("Two", "Three");
  await swipe(page, todo.row("Two"), -120);
  // Chromium may use up the first tap after a fling to stop the fling.
  await expect(async () => {
    await todo.row("Two").getByRole("button", { name: "Today" }).tap();
    await expect(todo.row("Two")).toContainText("Due: Today", { timeout: 1_000 });
  }).toPass();
  await swipe(page, todo.row("Three"), -120);
  await expect(async () => {
    await todo.row("Three").getByRole("button", { name: "Delete", exact: true }).tap();
    await expect(todo.row("Three")).toBeHidden({ timeout: 1_000 });
  }).toPass();
  await todo.shows("Two");
  await todo.undo.tap();
  await todo.shows("Two", "Three");
  await expect(todo.dialog).toBeHidden();
  await expect.poll(async () => (await ada.api("GET", "/tasks?completed=true")).data.items.map(({ title }) => title)).toEqual(["One"]);
});

test("a long press selects, and drags where the finger goes; a finger that scrolls does neither", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  const operations = Array.from({ length: 20 }, (_, index) => ({ method: "POST", path: "/tasks", body: { title: `Task ${index}` } }));
  await ada.api("POST", "/batch", { operations });
  const { page, todo } = ada;
  await todo.open("/inbox");
  const first = () => todo.titles().then((all) => all.slice(0, 4));
  await expect.poll(first).toEqual(["Task 0", "Task 1", "Task 2", "Task 3"]);
  await finger(page, todo.row("Task 3"), [[0, -120]], { hold: true });
  await expect.poll(first).toEqual(["Task 0", "Task 3", "Task 1", "Task 2"]);
  await finger(page, todo.row("Task 1"), [[40, 2]], { hold: true });
  await expect(todo.row("Task 1")).toHaveAttribute("aria-level", "2");
  expect(await page.evaluate(() => scrollY)).toBe(0);
  await expect(todo.dialog).toBeHidden();

  await finger(page, todo.row("Task 2"), [], { hold: true });
  await expect(todo.selected).toContainText("1");
  await page.getByRole("button", { name: "Edit Task 4" }).tap();
  await expect(todo.selected).toContainText("2");
  await todo.selected.getByRole("button", { name: "Clear selection" }).tap();

  await finger(page, todo.row("Task 5"), [[0, -200], [100, 0]]);
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(50);
  await expect(todo.check("Task 5")).not.toBeChecked();
  await expect(page.locator("html[data-dragging]")).toHaveCount(0);
});

test("what is tapped is large enough for a finger", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  await ada.create({ title: "Buy tea", priority: "high", tags: ["home"] });
  const { page, todo } = ada;
  const small = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("button, select, a, input:not([type=radio])")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest("[class*=skip]") && !one.className.includes?.("skip"))
        .map((one) => [one.ariaLabel ?? one.textContent ?? one.tagName, one.getBoundingClientRect()])
        .filter(([, { width, height }]) => Math.min(width, height) < 20)
        .map(([name, { width, height }]) => `${name}: ${width} × ${height}`),
    );
  for (const path of ["/all", "/upcoming", "/trash"]) {
    await todo.open(path);
    expect(await small(), path).toEqual([]);
  }
  await todo.open("/all");
  await page.getByRole("button", { name: "Edit Buy tea" }).tap();
  await expect(todo.dialog).toBeVisible();
  expect(await small()).toEqual([]);
});

test("a task is added from wherever one has scrolled to, and the first screen is for tasks", async ({ visitor }) => {
  const ada = await visitor({ context: PHONE });
  await ada.signUp();
  const operations = Array.from({ length: 60 }, (_, index) => ({ method: "POST", path: "/tasks", body: { title: `Task ${index}` } }));
  await ada.api("POST", "/batch", { operations });
  const { page, todo } = ada;
  await todo.open("/inbox");
  const first = await todo.rows.first().boundingBox();
  expect(first.y).toBeLessThan(844 / 4);
  await todo.row("Task 40").scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "New task" }).tap();
  await page.keyboard.type("From down here");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(todo.row("From down here")).toBeAttached();
});
