// Writes the pictures of docs/images anew: npm run pictures. The same content and
// the same day each time; how letters look depends on the fonts of the machine
// (made with Inter, Debian's fonts-inter).

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { Ending, startStack } from "./support/stack.mjs";
import { openBrowser, visit } from "./support/visitor.mjs";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
/** A Wednesday. */
const NOW = new Date("2026-05-13T09:30:00Z");

const TASKS = [
  { title: "Renew the passport", due_date: "2026-05-11", priority: "high", tags: ["papers"] },
  { title: "Send the invoice to Northwind", due_date: "2026-05-13", priority: "high", tags: ["work"] },
  { title: "Water the tomatoes", due_date: "2026-05-13", tags: ["garden"], description: "The ones on the balcony, too" },
  { title: "Call the dentist", due_date: "2026-05-14", priority: "medium" },
  { title: "Book the train to Vienna", due_date: "2026-05-16", priority: "medium", tags: ["travel", "family"] },
  { title: "Return the library books", due_date: "2026-05-18", priority: "low" },
  { title: "Write the speech for Mara’s birthday", due_date: "2026-06-04", tags: ["family"] },
  { title: "Learn how to make sourdough" },
];

const ending = new Ending();
const stack = await startStack(ending);
ending.after(() => Promise.all(visitors.map(({ context }) => context.close())));
const browser = await openBrowser();
ending.after(() => browser.close());
const visitors = [];
mkdirSync(IMAGES, { recursive: true });

async function open(context) {
  const one = await visit(stack, { name: "Ada Lovelace", context: { timezoneId: "UTC", reducedMotion: "reduce", ...context } });
  visitors.push(one);
  await one.page.clock.setFixedTime(NOW);
  return one;
}

async function withTasks(context) {
  const one = await open(context);
  await one.signUp();
  for (const task of TASKS) await one.create(task);
  await one.todo.open();
  await expect(one.todo.rows).toHaveCount(TASKS.length);
  return one;
}

async function picture(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${IMAGES}${name}.png`, animations: "disabled", caret: "hide" });
  console.log(`${name}.png`);
}

try {
  const guest = await open(DESKTOP);
  await guest.page.goto("/sign-in");
  await expect(guest.page.getByRole("button", { name: "Sign in" })).toBeEnabled();
  await picture(guest.page, "sign-in");

  const fresh = await open(DESKTOP);
  await fresh.start();
  await expect(fresh.page.getByRole("heading", { name: "Nothing to do" })).toBeVisible();
  await picture(fresh.page, "empty");

  const ada = await withTasks(DESKTOP);
  await picture(ada.page, "list");
  const editor = await ada.todo.edit("Book the train to Vienna");
  await editor.notes.fill("A window seat, with a table. Mara brings the tickets of the museum.");
  await ada.page.mouse.move(0, 0);
  await picture(ada.page, "editing");
  const train = (await ada.api("GET", "/tasks?q=vienna")).data.items[0];
  await ada.api("PATCH", `/tasks/${train.id}`, { title: "Book the night train to Vienna", due_date: "2026-05-15" });
  await editor.title.fill("Book the train to Vienna and back");
  await editor.save.click();
  await expect(ada.todo.dialog).toBeVisible();
  await ada.page.mouse.move(0, 0);
  await picture(ada.page, "conflict");

  const night = await withTasks({ ...DESKTOP, colorScheme: "dark" });
  await picture(night.page, "list-dark");

  const phone = await withTasks(PHONE);
  await picture(phone.page, "phone-list");
  await phone.page.getByRole("button", { name: "Edit Call the dentist" }).tap();
  await phone.page.getByRole("form", { name: "Edit Call the dentist" }).scrollIntoViewIfNeeded();
  await picture(phone.page, "phone-edit");

  const docs = await open(DESKTOP);
  await docs.page.goto(`${stack.url}/docs`);
  await expect(docs.page.getByText("/api/v1/tasks").first()).toBeVisible();
  await picture(docs.page, "api-docs");

  const lost = await withTasks(DESKTOP);
  await stack.stopTodoward();
  await lost.page.reload();
  await expect(lost.page.getByRole("heading", { name: "No connection to Todoward" })).toBeVisible();
  await lost.todo.add("Buy stamps", { priority: "Low" });
  await expect(lost.todo.unsaved).toContainText("Not saved yet.");
  await lost.page.keyboard.press("Escape");
  await picture(lost.page, "outage");
} finally {
  await ending.end();
}
