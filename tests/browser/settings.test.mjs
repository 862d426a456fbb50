import { readFileSync } from "node:fs";
import { accessible } from "./support/axe.mjs";
import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

test("tasks are exported in four formats", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create({ title: "Pay rent", due_date: "2199-01-31" });
  await ada.todo.open("/settings");
  const { page } = ada;
  await accessible(page, "the settings");
  for (const [name, file, text] of [
    [/Backup/, "todoward.ndjson", '"Pay rent"'],
    [/Spreadsheet/, "todoward.csv", "Pay rent"],
    [/Calendar apps/, "todoward.ics", "SUMMARY:Pay rent"],
    [/Plain text/, "todo.txt", "Pay rent"],
  ]) {
    const choice = page.getByLabel("Export", { exact: true });
    await choice.selectOption(await choice.locator("option").filter({ hasText: name }).getAttribute("value"));
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export", exact: true }).click()]);
    expect(download.suggestedFilename()).toBe(file);
    expect(readFileSync(await download.path(), "utf8")).toContain(text);
  }
});

test("a file is imported after it was seen what it brings, and what it cannot keep", async ({ visitor }) => {
  const ada = await visitor();
  await ada.start("/settings");
  const { page } = ada;
  const ics = [
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN",
    "BEGIN:VTODO", "UID:1", "DTSTAMP:20270101T000000Z", "SUMMARY:Pay rent", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:x", "END:VALARM", "END:VTODO",
    "BEGIN:VTODO", "UID:2", "DTSTAMP:20270101T000000Z", "SUMMARY:Call mum", "END:VTODO",
    "END:VCALENDAR", "",
  ].join("\r\n");
  const file = page.getByLabel("Import", { exact: true });
  await file.setInputFiles({ name: "tasks.ics", mimeType: "text/calendar", buffer: Buffer.from(ics) });
  const preview = page.getByRole("region", { name: "What will be imported" });
  await expect(preview).toContainText("tasks.ics: 2 tasks will be added.");
  await expect(preview).toContainText("One detail can’t be kept");
  await expect(preview.getByRole("listitem")).toContainText("Pay rent");
  expect(await ada.titles()).toEqual([]);
  await accessible(page, "the preview");
  await preview.getByRole("button", { name: "Import" }).click();
  await expect(ada.todo.messages).toContainText("Imported 2 tasks.");
  await ada.todo.go("All");
  await expect(ada.todo.check("Pay rent")).toBeVisible();

  await ada.todo.open("/settings");
  await file.setInputFiles({ name: "again.ics", mimeType: "text/calendar", buffer: Buffer.from(ics) });
  await expect(preview).toContainText("again.ics: nothing new, 2 tasks already here.");
  await expect(preview.getByRole("button", { name: "Import" })).toBeDisabled();
});

test("a file that cannot be read says where, and can be read as something else", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 4(15|22)/ });
  await ada.start("/settings");
  const { page } = ada;
  await page.getByLabel("Import", { exact: true }).setInputFiles({ name: "tasks.ics", mimeType: "text/calendar", buffer: Buffer.from("Pay rent\nCall mum\n") });
  const alert = page.getByRole("alert").filter({ hasText: "tasks.ics" });
  await expect(alert).toContainText("can’t be imported");
  await alert.getByLabel("Format").selectOption({ label: "todo.txt" });
  await expect(page.getByRole("region", { name: "What will be imported" })).toContainText("2 tasks will be added");
});

test("theme, rows, week, time zone and keys are kept", async ({ visitor }) => {
  const ada = await visitor();
  await ada.start("/settings");
  const { page } = ada;
  await page.getByRole("radio", { name: "Dark" }).check();
  await page.getByRole("radio", { name: "Compact" }).check();
  await page.getByRole("radio", { name: "Sunday" }).check();
  await page.getByLabel("Time zone").selectOption("Pacific/Auckland");
  await page.getByRole("checkbox", { name: "Single-key shortcuts" }).uncheck();
  await accessible(page, "the settings in the dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("radio", { name: "Compact" })).toBeChecked();
  await expect(page.getByRole("radio", { name: "Sunday" })).toBeChecked();
  // For a moment the field of the server's HTML can stand beside the one that React renders.
  await expect(page.getByLabel("Time zone")).toHaveCount(1);
  await expect(page.getByLabel("Time zone")).toHaveValue("Pacific/Auckland");
  await expect(page.getByRole("checkbox", { name: "Single-key shortcuts" })).not.toBeChecked();
  await page.keyboard.press("?");
  await expect(ada.todo.dialog).toHaveCount(0);
});

test("deleting the account takes the tasks along, and nothing of it stays", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 4\d\d/ });
  await ada.signUp();
  await ada.create("Secret");
  await ada.todo.open("/settings");
  const { page } = ada;
  const token = ada.token;
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = ada.todo.dialog;
  const remove = dialog.getByRole("button", { name: "Delete account" });
  await dialog.getByLabel(/To confirm, type/).fill("something else");
  await dialog.getByLabel("Password").fill("wrong");
  await expect(remove).toBeDisabled();
  await dialog.getByLabel(/To confirm, type/).fill(ada.email);
  await remove.click();
  await expect(dialog.getByRole("alert").filter({ hasText: "That password isn’t right." })).toBeVisible();
  expect(await ada.titles()).toEqual(["Secret"]);
  await dialog.getByLabel("Password").fill(PASSWORD);
  await accessible(page, "the question");
  await remove.click();
  await expect(page).toHaveURL(/\/sign-in/);
  const response = await fetch(`${ada.stack.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${token}` } });
  expect((await response.json()).items).toEqual([]);
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("The e-mail address or password isn’t right.")).toBeVisible();
});

test("an account is not deleted while its tasks cannot be", async ({ start, visitor }) => {
  const stack = await start();
  const ada = await visitor({ stack, allowed: /status of (4|5)\d\d|ERR_/ });
  await ada.start("/settings");
  await stack.stopTodoward();
  await ada.page.getByRole("button", { name: "Delete…" }).click();
  await ada.todo.dialog.getByLabel(/To confirm, type/).fill(ada.email);
  await ada.todo.dialog.getByLabel("Password").fill(PASSWORD);
  await ada.todo.dialog.getByRole("button", { name: "Delete account" }).click();
  await expect(ada.todo.dialog.getByRole("alert").filter({ hasText: "nothing was deleted" })).toBeVisible();
  await ada.auth("GET", "/get-session");
});

test("a Todoward that does not know this app is told what to set", async ({ start, visitor }) => {
  const stack = await start({ todoward: { BETTER_AUTH_URL: undefined, BETTER_AUTH_SECRET: "correct horse battery staple, and some more" } });
  const ada = await visitor({ stack, allowed: /status of (401|503)/ });
  await ada.signUp();
  await ada.page.goto("/");
  await ada.page.getByText("For developers").click();
  await expect(ada.page.getByText(`BETTER_AUTH_URL=${stack.appUrl}`)).toBeVisible({ timeout: 30_000 });
});
