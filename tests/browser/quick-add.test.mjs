import { QUICK_ADD } from "../../apps/web/lib/quick-add-help.ts";
import { accessible } from "./support/axe.mjs";
import { expect, test } from "./support/test.mjs";

const understood = (page) => page.getByRole("list", { name: "Understood" });
const chips = (page) => understood(page).getByRole("listitem");

test("what a line says is shown before it is added, and added so", async ({ visitor }) => {
  const ada = await visitor();
  const { data: list } = await (await ada.signUp()).api("POST", "/lists", { name: "Garden" });
  await ada.todo.open();
  const { page, todo } = ada;
  await todo.title.fill("water the roses every last Friday at 7:30 #Plants !high /garden");
  await expect(chips(page)).toHaveText([/^Every last Friday of the month, from /, "07:30", "Plants", "High priority", "Garden"]);
  await expect(todo.title).toHaveAccessibleDescription(/Understood: repeats Every last Friday of the month, .*at 07:30, tag Plants, High priority, in Garden\./);
  await expect(page.locator("[data-composer]").locator("xpath=..").locator("mark")).toHaveText(["every last Friday", "at 7:30", "#Plants", "!high", "/garden"]);
  await accessible(page, "the composer");
  await todo.title.press("Enter");
  await expect(todo.title).toHaveValue("");
  await expect(todo.title).toBeFocused();
  await expect.poll(() => ada.titles()).toEqual(["water the roses"]);
  const { data } = await ada.api("GET", "/tasks");
  expect(data.items[0]).toMatchObject({
    due_time: "07:30",
    priority: "high",
    tags: ["Plants"],
    list_id: list.id,
    recurrence: { rule: "FREQ=MONTHLY;BYDAY=-1FR", from: "due" },
  });
});

test("a chip that is removed gives its words back to the title", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = { page: ada.page, todo: await ada.start("/all") };
  await todo.title.fill("Read Tomorrow #books");
  await expect(chips(page)).toHaveText(["Tomorrow", "books"]);
  await page.getByRole("button", { name: "Keep “Tomorrow” as text" }).click();
  await expect(chips(page)).toHaveText(["books"]);
  await expect(todo.title).toBeFocused();
  await todo.title.press("Enter");
  await expect(todo.check("Read Tomorrow")).toBeVisible();
  // The chip was removed for that line only: in the next one the word is a date again.
  await todo.title.fill("Call mum tomorrow");
  await expect(chips(page)).toHaveText(["Tomorrow"]);
});

test("a line that says only when is not added", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start("/all");
  await todo.title.fill("tomorrow 5pm");
  await todo.title.press("Enter");
  await expect(todo.messages).toContainText("Give the task a title, too.");
  await expect(todo.title).toHaveValue("tomorrow 5pm");
  await expect(todo.rows).toHaveCount(0);
});

test("tags and lists are offered while they are typed, by keyboard too", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create({ title: "One", tags: ["Errands", "evening"] });
  await ada.todo.open();
  const { page, todo } = ada;
  await todo.title.fill("Buy stamps #E");
  const offered = page.getByRole("list", { name: "Tags", exact: true }).getByRole("button");
  await expect(offered).toHaveCount(2);
  await todo.title.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(todo.title).toHaveValue(/^Buy stamps #(Errands|evening) $/);
  await expect(todo.title).toBeFocused();
  // Escape closes the suggestions, and nothing else.
  await todo.title.pressSequentially("#e");
  await expect(offered.first()).toBeVisible();
  await todo.title.press("Escape");
  await expect(offered).toHaveCount(0);
  await expect(todo.title).toBeFocused();
});

test("a task that does not belong where it was added is not gone unsaid", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start("/today");
  await todo.title.fill("Pay the bill next week");
  await todo.title.press("Enter");
  await expect(todo.messages).toContainText("Added “Pay the bill”");
});

test("a line outlives a reload", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start("/all");
  await todo.title.fill("Half a thought tomorrow");
  await ada.page.reload();
  await expect(todo.title).toHaveValue("Half a thought tomorrow");
  await expect(chips(ada.page)).toHaveText(["Tomorrow"]);
});

test("every example of the help is understood", async ({ visitor }) => {
  const ada = await visitor();
  const todo = await ada.start("/all");
  for (const { what, examples } of QUICK_ADD) {
    for (const example of examples) {
      await todo.title.fill(`Do it ${example === "until 3 March" ? "every day " : ""}${example}`);
      await expect(chips(ada.page).first(), `${what}: ${example}`).toBeVisible();
    }
  }
});

test("the server takes every rule that quick add writes", async ({ visitor }) => {
  const { fromWords } = await import("../../apps/web/lib/language/repetition.ts");
  const phrases = [
    "every day", "every other day", "every 3 days", "every weekday", "every weekend", "every other tuesday", "every mon, wed and fri",
    "every 2 weeks on monday and thursday", "every month", "every 1st and 15th", "every 31st", "every last day of the month", "every last friday",
    "every first and third monday", "every first workday", "every other month on the last friday", "every quarter", "every 3 march",
    "every 29 february", "every last friday of march", "every year", "every week, 10 times", "every day, until 3 Mar 2199", "every! 3 days",
  ];
  const ada = await visitor();
  await ada.signUp();
  for (const phrase of phrases) {
    const recurrence = fromWords(phrase, 0);
    const { status, data } = await ada.api("POST", "/tasks", { title: phrase, due_date: "2199-01-01", recurrence });
    expect(status, `${phrase}: ${JSON.stringify(data)}`).toBe(201);
  }
});

test("how a task repeats is chosen, or said in words, and its next dates are shown", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const task = await ada.create({ title: "Pay rent", due_date: "2199-01-04" });
  await ada.todo.open(`/all?task=${task.id}`);
  const { page } = ada;
  const repeat = page.getByRole("combobox", { name: "Repeat" });
  await repeat.selectOption({ label: "Every Friday" });
  await expect(page.getByText("Next dates:").locator("xpath=..").getByRole("listitem")).toHaveText([/4 January 2199/, /11 January 2199/, /18 January 2199/]);
  await repeat.selectOption({ label: "Something else…" });
  const words = page.getByRole("textbox", { name: "Repeat in words" });
  await words.fill("sometimes");
  await expect(words).toHaveAttribute("aria-invalid", "true");
  await words.fill("every last friday");
  await expect(page.getByText("Every last Friday of the month", { exact: true })).toBeVisible();
  await expect.poll(async () => (await ada.api("GET", `/tasks/${task.id}`)).data).toMatchObject({
    due_date: "2199-01-25",
    recurrence: { rule: "FREQ=MONTHLY;BYDAY=-1FR", from: "due" },
  });
  await page.getByLabel("Count from the day it’s done").check();
  await expect.poll(async () => (await ada.api("GET", `/tasks/${task.id}`)).data.recurrence.from).toBe("completion");
  await accessible(page, "the picker");
  await repeat.selectOption({ label: "Never" });
  await expect.poll(async () => (await ada.api("GET", `/tasks/${task.id}`)).data.recurrence).toBe(null);
});

test("links and check items of notes work, and nothing in a note is HTML", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const description = "See https://example.com/a.\n- [ ] milk\n- [x] bread\n<img src=x onerror=alert(1)>\njavascript:alert(1)";
  const task = await ada.create({ title: "Shop", description });
  await ada.todo.open(`/all?task=${task.id}`);
  const form = ada.page.getByRole("form", { name: "Edit Shop" });
  const link = form.getByRole("link", { name: "https://example.com/a" });
  await expect(link).toHaveAttribute("rel", /noopener/);
  await expect(form.getByRole("link")).toHaveCount(1);
  await expect(form.getByText("<img src=x onerror=alert(1)>")).toBeVisible();
  await expect(form.locator("img")).toHaveCount(0);
  await form.getByRole("checkbox", { name: "milk" }).check();
  await expect.poll(async () => (await ada.api("GET", `/tasks/${task.id}`)).data.description).toBe(description.replace("- [ ] milk", "- [x] milk"));
  await form.getByRole("button", { name: "Edit notes" }).click();
  await expect(form.getByRole("textbox", { name: "Notes" })).toBeFocused();
});
