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
  await expect(todo.title).toBeVisible();
  await expect(page.getByRole("heading", { name: "Nothing to do" })).toBeVisible();
}

/** Sign up, add, edit, complete, sign out, sign in. */
export async function shortStory(visitor) {
  const { page, todo, email } = visitor;
  await signUpByHand(visitor);
  await todo.add("Water the plants", { priority: "High", tags: ["home"] });
  await todo.add("Call the bank #money @tomorrow");
  await expect(todo.row("Water the plants")).toContainText("High");
  await expect(todo.row("Call the bank")).toContainText("Tomorrow");

  const editor = await todo.edit("Call the bank");
  await editor.title.fill("Write to the bank");
  await editor.save.click();
  await expect(todo.row("Write to the bank")).toContainText("money");
  await expect(editor.form).toBeHidden();

  await todo.check("Water the plants").click();
  await todo.shows("Write to the bank");
  await todo.show("Done");
  await todo.shows("Water the plants");

  await todo.signOut();
  await todo.signIn(email, PASSWORD);
  await todo.shows("Write to the bank");
  expect(await visitor.titles()).toEqual(["Water the plants", "Write to the bank"]);
}

/** The short story, and everything that can be done with a list. */
export async function wholeStory(visitor) {
  const { page, todo, email } = visitor;
  await signUpByHand(visitor);

  await todo.add("Book the train to Vienna", { priority: "High", tags: ["travel", "family"], due: "2199-03-01" });
  await todo.add("Buy coffee #home !low @tomorrow");
  await todo.add("Read the report");
  const train = todo.row("Book the train to Vienna");
  await expect(train).toContainText("1 Mar 2199");
  await expect(train).toContainText("High priority");
  await expect(train.getByRole("button", { name: "family" })).toBeVisible();
  await expect(todo.row("Buy coffee")).toContainText("Tomorrow");
  await expect(todo.row("Buy coffee")).toContainText("Low priority");

  const editor = await todo.edit("Read the report");
  await editor.title.fill("Read the yearly report");
  await editor.notes.fill("Chapters two and three");
  await editor.priority.selectOption({ label: "Medium" });
  await editor.save.click();
  await expect(todo.row("Read the yearly report")).toContainText("Chapters two and three");
  await expect(todo.row("Read the yearly report")).toContainText("Medium priority");
  await expect(page.getByRole("form", { name: /^Edit / })).toBeHidden();

  // Find.
  await todo.choice("Sort by").selectOption({ label: "Title" });
  await todo.shows("Book the train to Vienna", "Buy coffee", "Read the yearly report");
  await todo.choice("Sort by").selectOption({ label: "Priority" });
  await todo.shows("Book the train to Vienna", "Read the yearly report", "Buy coffee");
  await todo.search.fill("chapters");
  await todo.shows("Read the yearly report");
  await page.getByRole("button", { name: "Clear search" }).click();
  await todo.choice("Filter by priority").selectOption({ label: "Low" });
  await todo.shows("Buy coffee");
  await todo.choice("Filter by priority").selectOption({ label: "Any priority" });
  await train.getByRole("button", { name: "travel" }).click();
  await todo.shows("Book the train to Vienna");
  await todo.choice("Filter by due date").selectOption({ label: "Today" });
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await todo.shows("Book the train to Vienna", "Read the yearly report", "Buy coffee");

  // Complete, and delete what is complete.
  await todo.check("Read the yearly report").click();
  await todo.shows("Book the train to Vienna", "Buy coffee");
  await todo.show("All");
  await expect(todo.check("Read the yearly report")).toBeChecked();
  await page.getByRole("button", { name: "Clear completed" }).click();
  await todo.dialog.getByRole("button", { name: "Clear completed" }).click();
  await expect(todo.messages).toContainText("1 completed task deleted");
  await todo.shows("Book the train to Vienna", "Buy coffee");

  // Delete, and think again; then for good.
  await todo.delete("Buy coffee");
  await todo.shows("Book the train to Vienna");
  await todo.messages.getByRole("button", { name: "Undo" }).click();
  await todo.shows("Book the train to Vienna", "Buy coffee");
  expect(await visitor.titles()).toContain("Buy coffee");
  await todo.delete("Buy coffee");
  await expect.poll(() => visitor.titles(), { timeout: 15_000 }).toEqual(["Book the train to Vienna"]);

  await todo.signOut();
  await todo.signIn(email, PASSWORD);
  await todo.shows("Book the train to Vienna");
  await expect(train).toContainText("1 Mar 2199");
}
