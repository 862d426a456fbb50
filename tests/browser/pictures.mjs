// Writes the pictures of docs/images anew: npm run pictures. The same content and
// the same day each time; how letters look depends on the fonts of the machine
// (made with Inter, Debian's fonts-inter).

import { randomUUID } from "node:crypto";
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

const LISTS = [
  { name: "Home", color: "#3a8a3f" },
  { name: "Work", color: "#2f78c8" },
  { name: "Travel", color: "#c7651a" },
];

const TASKS = [
  { title: "Renew the passport", due_date: "2026-05-11", priority: "high", tags: ["papers"], list: "Travel" },
  { title: "Send the invoice to Northwind", due_date: "2026-05-13", due_time: "11:00", priority: "high", list: "Work" },
  { title: "Water the tomatoes", due_date: "2026-05-13", recurrence: { rule: "FREQ=DAILY" }, list: "Home", description: "The ones on the balcony, too" },
  { title: "Call the dentist", due_date: "2026-05-13", due_time: "15:30", priority: "medium" },
  { title: "Book the train to Vienna", due_date: "2026-05-16", priority: "medium", tags: ["family"], list: "Travel" },
  { title: "Ask Mara for the dates", parent: "Book the train to Vienna" },
  { title: "Find a hotel near the station", parent: "Book the train to Vienna" },
  { title: "Return the library books", due_date: "2026-05-18", priority: "low", list: "Home" },
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

async function withTasks(context, path = "/") {
  const one = await open(context);
  await one.signUp();
  const ids = {};
  for (const list of LISTS) ids[list.name] = (await one.api("POST", "/lists", list)).data.id;
  for (const { list, parent, ...task } of TASKS) {
    const place = { ...(list && { list_id: ids[list] }), ...(parent && { parent_id: ids[parent] }) };
    const id = idOf(ids);
    const { data } = await one.api("PUT", `/tasks/${id}`, { ...task, ...place }, { "if-none-match": "*" });
    ids[task.title] = data.id;
  }
  one.ids = ids;
  await one.todo.open(path);
  await expect(one.todo.rows.first()).toBeVisible();
  return one;
}

/** An id of some days before `NOW`: a task was created when its id was. */
function idOf(ids) {
  const time = NOW.getTime() - 5 * 86_400_000 + Object.keys(ids).length * 60_000;
  const digits = time.toString(16).padStart(12, "0") + "7" + randomUUID().replaceAll("-", "").slice(13);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
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
  await fresh.start("/");
  await expect(fresh.page.getByRole("heading", { name: "Nothing due today" })).toBeVisible();
  await picture(fresh.page, "empty");

  const ada = await withTasks(DESKTOP);
  await picture(ada.page, "list");
  await ada.todo.open("/upcoming?view=month");
  await picture(ada.page, "month");
  await ada.todo.open("/all");
  const editor = await ada.todo.edit("Book the train to Vienna");
  await editor.notes.fill("A window seat, with a table. Mara brings the tickets of the museum.");
  await ada.page.mouse.move(0, 0);
  await picture(ada.page, "editing");
  await ada.page.context().setOffline(true);
  await editor.title.fill("Book the train to Vienna and back");
  await ada.page.getByRole("button", { name: "Close details" }).click();
  await ada.api("PATCH", `/tasks/${ada.ids["Book the train to Vienna"]}`, { title: "Book the night train to Vienna" });
  await ada.page.context().setOffline(false);
  await ada.page.getByRole("button", { name: "Compare" }).first().click({ timeout: 30_000 });
  await ada.page.mouse.move(0, 0);
  await picture(ada.page, "conflict");

  const night = await withTasks({ ...DESKTOP, colorScheme: "dark" });
  await picture(night.page, "list-dark");

  const phone = await withTasks(PHONE);
  await picture(phone.page, "phone-list");
  await phone.page.getByRole("button", { name: "Edit Call the dentist" }).tap();
  await expect(phone.todo.dialog).toBeVisible();
  await picture(phone.page, "phone-edit");

  const docs = await open(DESKTOP);
  await docs.page.goto(`${stack.url}/docs`);
  await expect(docs.page.getByText("/api/v1/tasks").first()).toBeVisible();
  await picture(docs.page, "api-docs");

  const lost = await withTasks(DESKTOP);
  await stack.stopTodoward();
  await lost.todo.add("Buy stamps");
  await expect(lost.page.getByText(/1 change is waiting to sync/)).toBeVisible({ timeout: 30_000 });
  await picture(lost.page, "outage");
} finally {
  await ending.end();
}
