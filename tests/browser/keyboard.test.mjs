import { expect, test } from "./support/test.mjs";

test("a key that is pressed as soon as the page can be seen is not lost", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.addInitScript(() => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector("[data-composer]")) return;
      watch.disconnect();
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true, cancelable: true }));
    });
    watch.observe(document, { childList: true, subtree: true });
  });
  const todo = await ada.start();
  await expect(todo.title).toBeFocused();
});

test("everything can be done with the keyboard alone", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start();
  const { page } = todo;
  const { keyboard } = page;

  for (const title of ["Alpha", "Bravo", "Charlie"]) {
    await keyboard.press("n");
    await expect(todo.title).toBeFocused();
    await keyboard.type(title);
    await keyboard.press("Enter");
    await expect(todo.row(title)).toBeVisible();
    await keyboard.press("Escape");
  }
  await todo.shows("Alpha", "Bravo", "Charlie");

  await keyboard.press("j");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("ArrowDown");
  await expect(todo.check("Bravo")).toBeFocused();
  await keyboard.press("j");
  await expect(todo.check("Charlie")).toBeFocused();
  await keyboard.press("k");
  await expect(todo.check("Bravo")).toBeFocused();

  await keyboard.press("e");
  await expect(todo.editor("Bravo").title).toBeFocused();
  await keyboard.press("End");
  await keyboard.type(" two");
  await keyboard.press("Escape");
  await expect(todo.check("Bravo two")).toBeFocused();
  await expect.poll(() => ada.titles()).toContain("Bravo two");

  await keyboard.press("1");
  await expect(todo.row("Bravo two")).toContainText("High priority");
  await keyboard.press("t");
  await expect(todo.row("Bravo two")).toContainText("Today");

  await keyboard.press("x");
  await todo.shows("Alpha", "Charlie");
  await expect(todo.check("Charlie")).toBeFocused();
  await keyboard.press("Delete");
  await todo.shows("Alpha");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("u");
  await todo.shows("Alpha", "Charlie");

  await keyboard.press("/");
  await expect(todo.search).toBeFocused();
  await keyboard.type("alph");
  await todo.shows("Alpha");
  await keyboard.press("Escape");
  await todo.shows("Alpha", "Charlie");
  await keyboard.press("Escape");

  await keyboard.press("g");
  await keyboard.press("d");
  await todo.shows("Bravo two");
  await keyboard.press("g");
  await keyboard.press("a");

  await keyboard.press("?");
  await expect(todo.dialog.getByRole("heading", { name: "Keyboard shortcuts" })).toBeVisible();
  await keyboard.press("x");
  await keyboard.press("Escape");
  await expect(todo.dialog).toBeHidden();
  await todo.shows("Alpha", "Charlie");

  const command = async (words) => {
    await keyboard.press("Control+k");
    await expect(page.getByRole("dialog", { name: "Command menu" })).toBeVisible();
    await keyboard.type(words);
    await keyboard.press("Enter");
  };
  await command("inbox");
  await expect(todo.heading).toHaveText("Inbox");
  await keyboard.press("j");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("Alt+ArrowDown");
  await todo.tree("1 Charlie", "1 Alpha");
  await keyboard.press("Alt+ArrowRight");
  await todo.tree("1 Charlie", "2 Alpha");
  await keyboard.press("Alt+ArrowLeft");
  await todo.tree("1 Charlie", "1 Alpha");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("Shift+X");
  await keyboard.press("Shift+ArrowUp");
  await expect(todo.selected).toContainText("2 selected");
  await keyboard.press("3");
  for (const title of ["Alpha", "Charlie"]) await expect(todo.row(title)).toContainText("Low priority");
  await keyboard.press("Escape");
  await expect(todo.selected).toBeHidden();

  await command("settings");
  await expect(todo.heading).toHaveText("Settings");
  const theme = page.getByRole("radio", { name: "System" });
  for (let presses = 0; presses < 40 && !(await theme.evaluate((one) => one === document.activeElement)); presses += 1) await keyboard.press("Tab");
  await keyboard.press("ArrowRight");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});

test("the command menu finds places, lists, tasks and commands", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.api("POST", "/lists", { name: "Garden" });
  await ada.create({ title: "Prune the roses", description: "With gloves" });
  const { page, todo } = ada;
  await todo.open("/");
  const choose = async (typed, name) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type(typed);
    await expect(todo.dialog.getByRole("option").first()).toContainText(name);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: "Command menu" })).toBeHidden();
  };
  await choose("gard", "Garden");
  await expect(todo.heading).toHaveText("Garden");
  await choose("roses gloves", "Prune the roses");
  await expect(todo.editor("Prune the roses").title).toHaveValue("Prune the roses");
  await page.keyboard.press("Escape");
  await choose("month", "Upcoming, month view");
  await expect(page.getByRole("table")).toBeVisible();
  await choose("compact", "Switch between compact and comfortable rows");
  await expect(page.locator("[data-density=compact]")).toBeAttached();
  await choose("shortcuts", "Keyboard shortcuts");
  await expect(todo.dialog.getByRole("heading", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await choose("add a", "Add a task");
  await expect(todo.title).toBeFocused();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("zzzz");
  await expect(todo.dialog.getByText("Nothing found")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(todo.dialog).toBeHidden();
});

test("the tree that a screen reader reads has names for everything", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.api("POST", "/lists", { name: "Garden" });
  const { id } = await ada.create({ title: "Prune the roses", priority: "high", tags: ["spring"] });
  await ada.create({ title: "Sharpen the shears", parent_id: id });
  const { page, todo } = ada;
  const list = (await ada.api("GET", "/lists")).data.items[0].id;
  await ada.create({ title: "Mow the lawn", list_id: list, due_date: "2020-01-01", due_time: "08:00", priority: "low", tags: ["lawn"], recurrence: { rule: "FREQ=WEEKLY" } });

  // A screen reader reads a row as one sentence.
  await todo.open("/");
  await expect(todo.row("Mow the lawn")).toMatchAriaSnapshot(`
    - listitem:
      - checkbox "Mow the lawn"
      - button "Edit Mow the lawn"
      - time: /Overdue:.* days ago, 08:00/
      - text: "Repeats Low priority List: Garden"
      - button "Show tasks tagged lawn"
      - button "Delete Mow the lawn"
  `);
  const session = await page.context().newCDPSession(page);
  /** Elements without an accessible name, and headings that skip a level. */
  const faults = async () => {
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const seen = nodes.filter(({ ignored }) => !ignored);
    const roleOf = ({ role }) => role?.value;
    const nameless = seen.filter((node) => /^(button|link|checkbox|radio|combobox|textbox|searchbox|option|dialog|region|form|navigation|complementary)$/i.test(roleOf(node)) && !node.name?.value?.trim()).map(roleOf);
    const levels = seen.filter((node) => roleOf(node) === "heading").map(({ properties }) => properties.find(({ name }) => name === "level").value.value);
    const skipped = levels.filter((level, at) => level > (levels[at - 1] ?? 2) + 1);
    return { nameless, skipped, tops: levels.filter((level) => level === 1).length };
  };
  for (const path of ["/", "/upcoming", "/upcoming?view=month", "/done", "/trash", "/settings", `/lists/${list}`, `/all?task=${id}`]) {
    await todo.open(path);
    expect(await faults(), path).toEqual({ nameless: [], skipped: [], tops: 1 });
    for (const landmark of [page.getByRole("banner"), page.getByRole("main"), page.getByRole("search"), page.getByRole("navigation", { name: "Places" })]) await expect(landmark).toHaveCount(1);
  }
  await page.keyboard.press("Control+k");
  await expect(todo.dialog).toBeVisible();
  expect(await faults(), "the command menu").toMatchObject({ nameless: [], skipped: [] });
  await page.keyboard.press("Escape");

  // A screen reader is told what was done.
  await todo.open("/inbox");
  await todo.title.fill("Rake the leaves");
  await page.keyboard.press("Enter");
  const live = page.getByRole("status");
  await expect(live.filter({ hasText: "Added: Rake the leaves" })).toHaveCount(1);
  await todo.check("Rake the leaves").click();
  await expect(live.filter({ hasText: "Completed “Rake the leaves”" })).toHaveCount(1);
  await todo.undo.click();
  await expect(live.filter({ hasText: "Undone: completed “Rake the leaves”" })).toHaveCount(1);
  await todo.delete("Rake the leaves");
  await todo.open();
  await expect(page.getByRole("main")).toMatchAriaSnapshot(`
    - heading "All tasks" [level=1]
    - button "Filter and sort"
    - form "New task":
      - textbox "Add a task"
    - region "Inbox":
      - heading /Inbox/ [level=2]
      - list:
        - listitem:
          - button "Move Prune the roses"
          - button "Subtasks of Prune the roses" [expanded]
          - checkbox "Prune the roses"
          - button "Edit Prune the roses"
          - text: /High priority/
          - button "Show tasks tagged spring"
          - button "Delete Prune the roses"
        - listitem:
          - checkbox "Sharpen the shears"
  `);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to tasks" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
});

test("keys that an input method uses to compose a word neither leave a field nor take half a tag", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { todo } = ada;
  await todo.open();
  const compose = (field, key) => field.dispatchEvent("keydown", { key, isComposing: true });
  const editor = await todo.edit("Alpha");
  await editor.tags.fill("ho");
  await compose(editor.tags, "Enter");
  await expect(editor.tags).toHaveValue("ho");
  await compose(editor.tags, "Escape");
  await expect(editor.form).toBeVisible();
  await todo.title.focus();
  await compose(todo.title, "Escape");
  await expect(todo.title).toBeFocused();
  await todo.search.fill("alp");
  await compose(todo.search, "Escape");
  await expect(todo.search).toHaveValue("alp");
});

test("the keys of the list do nothing in the details", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Alpha");
  await editor.close.focus();
  for (const key of ["Delete", "x", "1", "ArrowDown"]) await page.keyboard.press(key);
  await expect(editor.close).toBeFocused();
  await todo.shows("Alpha");
  await expect(todo.check("Alpha")).not.toBeChecked();
});

test("single keys can be switched off, for good, and others still act", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Alpha");
  const { page, todo } = ada;
  const { keyboard } = page;
  await todo.open("/settings");
  const setting = page.getByRole("checkbox", { name: "Single-key shortcuts" });
  await setting.uncheck();
  await todo.open();
  await todo.shows("Alpha");
  for (const key of ["n", "/", "j", "?"]) await keyboard.press(key);
  await expect(page.locator("body")).toBeFocused();
  await expect(todo.dialog).toBeHidden();
  await keyboard.press("ArrowDown");
  await expect(todo.check("Alpha")).toBeFocused();
  await keyboard.press("x");
  await expect(todo.check("Alpha")).not.toBeChecked();
  await todo.open("/settings");
  await setting.check();
  await todo.open();
  await keyboard.press("n");
  await expect(todo.title).toBeFocused();
});
