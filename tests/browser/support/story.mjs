// What everybody does with the app, once through.

import { expect } from "@playwright/test";
import { PASSWORD } from "./visitor.mjs";

export async function signUpByHand({ page, todo, name, email }) {
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "Nothing due today" })).toBeVisible();
  await todo.ready();
}

/** Sign up, add, edit, complete, sign out, sign in. */
export async function shortStory(visitor) {
  const { page, todo, email } = visitor;
  await signUpByHand(visitor);
  await todo.go("Inbox");
  await todo.add("Water the plants");
  await todo.add("Call the bank");
  await todo.shows("Water the plants", "Call the bank");

  const editor = await todo.edit("Call the bank");
  await editor.title.fill("Write to the bank");
  await editor.title.press("Enter");
  await expect(todo.row("Write to the bank")).toBeVisible();
  await todo.editor("Write to the bank").priority.selectOption({ label: "High" });
  await expect(todo.row("Write to the bank")).toContainText("High");

  await todo.check("Water the plants").click();
  await todo.shows("Write to the bank");
  await todo.go("Done");
  await todo.shows("Water the plants");
  await expect.poll(() => visitor.titles()).toEqual(["Water the plants", "Write to the bank"]);
  await expect.poll(async () => (await visitor.api("GET", "/tasks?completed=true")).data.items.length).toBe(1);

  await todo.signOut();
  await todo.signIn(email, PASSWORD);
  await todo.go("Inbox");
  await todo.shows("Write to the bank");
  await expect(page).toHaveURL(/\/inbox$/);
}

/** The short story, and everything else that can be done with a task. */
export async function wholeStory(visitor) {
  const { page, todo, email } = visitor;
  await signUpByHand(visitor);
  await todo.go("All tasks");
  for (const title of ["Book the train to Vienna", "Buy coffee", "Read the report"]) await todo.add(title);
  await todo.shows("Book the train to Vienna", "Buy coffee", "Read the report");

  // Details save themselves.
  const train = await todo.edit("Book the train to Vienna");
  await train.due.fill("2199-03-01");
  await train.time.fill("09:30");
  await train.priority.selectOption({ label: "High" });
  for (const tag of ["travel", "family"]) {
    await train.tags.fill(tag);
    await train.tags.press("Enter");
  }
  await train.notes.fill("Seats by the window");
  await train.subtask.fill("Ask for the dates");
  await train.subtask.press("Enter");
  const row = todo.row("Book the train to Vienna");
  await expect(row).toContainText("1 Mar 2199, 09:30");
  await expect(row).toContainText("High priority");
  await expect(row).toContainText("Seats by the window");
  await expect(row).toContainText("0/1");
  await train.close.click();
  await expect(train.form).toBeHidden();
  await todo.tree("1 Book the train to Vienna", "2 Ask for the dates", "1 Buy coffee", "1 Read the report");

  // Find: words in any order, of title, notes and tags, without regard to accents.
  await todo.search.fill("WINDÔW travel");
  await todo.shows("Book the train to Vienna");
  await page.getByRole("button", { name: "Clear search" }).click();
  await row.getByRole("button", { name: "Show tasks tagged family" }).click();
  await todo.shows("Book the train to Vienna");
  await expect(page).toHaveURL(/\/all\?tag=family$/);
  await todo.filter("Filter by due date", "Today");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await todo.filter("Sort by", "Title");
  await todo.shows("Ask for the dates", "Book the train to Vienna", "Buy coffee", "Read the report");
  await page.getByRole("button", { name: "Remove filter: By title" }).click();

  // Complete: with a trace, and a way back.
  await todo.check("Read the report").click();
  await expect(todo.messages).toContainText("Completed “Read the report”");
  await todo.tree("1 Book the train to Vienna", "2 Ask for the dates", "1 Buy coffee");
  await todo.undo.click();
  await todo.tree("1 Book the train to Vienna", "2 Ask for the dates", "1 Buy coffee", "1 Read the report");
  await todo.check("Book the train to Vienna").click();
  await todo.shows("Buy coffee", "Read the report");
  await todo.go("Done");
  await expect(page.getByRole("heading", { name: /^Today ·/ })).toBeVisible();
  await expect(todo.row("Book the train to Vienna")).toContainText("Completed at");
  await todo.check("Book the train to Vienna").click();
  await todo.shows("Ask for the dates");

  // Delete, and think again; then for good.
  await todo.go("All tasks");
  await todo.delete("Buy coffee");
  await todo.tree("1 Book the train to Vienna", "2 Ask for the dates", "1 Read the report");
  await todo.undo.click();
  await expect(todo.row("Buy coffee")).toBeVisible();
  await todo.delete("Buy coffee");
  await todo.go("Trash");
  await page.getByRole("button", { name: "Restore Buy coffee" }).click();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await todo.go("All tasks");
  await todo.delete("Buy coffee");
  await todo.go("Trash");
  await page.getByRole("button", { name: "Delete Buy coffee for good" }).click();
  await todo.dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await expect.poll(async () => (await visitor.api("GET", "/tasks?trash=true")).data.items).toEqual([]);
  await expect.poll(() => visitor.titles()).toEqual(["Book the train to Vienna", "Read the report", "Ask for the dates"]);

  await todo.signOut();
  await todo.signIn(email, PASSWORD);
  await todo.go("All tasks");
  await todo.tree("1 Book the train to Vienna", "2 Ask for the dates", "1 Read the report");
  await expect(row).toContainText("1 Mar 2199, 09:30");
}
