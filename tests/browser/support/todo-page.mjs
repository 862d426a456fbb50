// The page of the tasks, in the words of its users.

import { expect } from "@playwright/test";

export class TodoPage {
  constructor(page) {
    this.page = page;
    this.title = page.getByRole("textbox", { name: "Add a task" });
    this.composer = page.getByRole("form", { name: "New task" });
    this.search = page.getByRole("searchbox", { name: "Search tasks" });
    this.messages = page.getByRole("region", { name: "Messages" });
    this.dialog = page.getByRole("dialog");
    this.unsaved = page.getByRole("region", { name: "Not saved yet" });
    this.rows = page.locator("li[data-task]");
  }

  async open(path = "/") {
    await this.page.goto(path);
    await expect(this.title).toBeVisible();
  }

  row(title) {
    return this.rows.filter({ has: this.check(title) });
  }

  check(title) {
    return this.page.getByRole("checkbox", { name: title, exact: true });
  }

  async titles() {
    return this.rows.getByRole("checkbox").evaluateAll((all) => all.map((one) => one.ariaLabel));
  }

  /** The rows have these titles, in this order. */
  async shows(...titles) {
    await expect.poll(() => this.titles(), { timeout: 15_000 }).toEqual(titles);
  }

  /** Types a new task; fields that are not given are left alone. */
  async add(title, { due, priority, tags = [] } = {}) {
    await this.title.fill(title);
    if (due) await this.composer.getByLabel("Due date").fill(due);
    if (priority) await this.composer.getByLabel("Priority").selectOption({ label: priority });
    for (const tag of tags) {
      await this.composer.getByRole("textbox", { name: "Tags" }).fill(tag);
      await this.composer.getByRole("textbox", { name: "Tags" }).press("Enter");
    }
    await this.composer.getByRole("button", { name: "Add task" }).click();
  }

  /** Opens the editor of a task. */
  async edit(title) {
    await this.page.getByRole("button", { name: `Edit ${title}`, exact: true }).click();
    return this.editor(title);
  }

  editor(title) {
    const form = this.page.getByRole("form", { name: `Edit ${title}`, exact: true });
    return {
      form,
      title: form.getByRole("textbox", { name: "Title" }),
      notes: form.getByRole("textbox", { name: "Notes" }),
      due: form.getByLabel("Due date"),
      priority: form.getByLabel("Priority"),
      tags: form.getByRole("textbox", { name: "Tags" }),
      save: form.getByRole("button", { name: "Save" }),
      cancel: form.getByRole("button", { name: "Cancel" }),
    };
  }

  async delete(title) {
    await this.row(title).hover();
    await this.page.getByRole("button", { name: `Delete ${title}`, exact: true }).click();
  }

  /** Shows "Open", "Done" or "All". */
  async show(which) {
    await this.page.getByRole("radio", { name: which, exact: true }).check({ force: true });
  }

  choice(label) {
    return this.page.getByLabel(label);
  }

  async signOut() {
    await this.page.getByRole("button", { name: /^Account of/ }).click();
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await expect(this.page).toHaveURL(/\/sign-in$/);
  }

  async signIn(email, password) {
    await this.page.getByLabel("E-mail").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await expect(this.title).toBeVisible();
  }
}
