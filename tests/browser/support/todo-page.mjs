// The app, in the words of its users.

import { expect } from "@playwright/test";

export class TodoPage {
  constructor(page) {
    this.page = page;
    this.title = page.getByRole("textbox", { name: "Add a task" }).first();
    this.composer = page.getByRole("form", { name: "New task" }).first();
    this.search = page.getByRole("searchbox", { name: "Search tasks" });
    this.messages = page.getByRole("region", { name: "Messages" });
    this.undo = this.messages.getByRole("button", { name: "Undo" });
    this.dialog = page.getByRole("dialog");
    this.heading = page.getByRole("heading", { level: 1 });
    this.selected = page.getByRole("region", { name: "Selected tasks" });
    this.rows = page.locator("li[data-task]");
  }

  async open(path = "/all") {
    await this.page.goto(path);
    await expect(this.heading).toBeVisible();
    await this.ready();
  }

  /** What is clicked is answered from here on. */
  async ready() {
    await expect(this.page.locator("[data-ready=true]")).toBeAttached({ timeout: 30_000 });
  }

  /** Goes somewhere by the sidebar. */
  async go(name) {
    await this.page.getByRole("navigation", { name: "Places" }).getByRole("link", { name }).click();
  }

  row(title) {
    return this.rows.filter({ has: this.check(title) });
  }

  check(title) {
    return this.page.getByRole("checkbox", { name: title, exact: true });
  }

  async titles() {
    return this.rows.locator("[data-check]").evaluateAll((all) => all.map((one) => one.ariaLabel));
  }

  /** The rows have these titles, in this order. */
  async shows(...titles) {
    await expect.poll(() => this.titles(), { timeout: 15_000 }).toEqual(titles);
  }

  /** Each row as "level title". */
  async tree(...lines) {
    const read = () => this.rows.evaluateAll((all) => all.map((row) => `${row.ariaLevel} ${row.querySelector("[data-check]").ariaLabel}`));
    await expect.poll(read, { timeout: 15_000 }).toEqual(lines);
  }

  async add(title) {
    await this.title.fill(title);
    await this.composer.getByRole("button", { name: "Add task" }).click();
    await expect(this.title).toHaveValue("");
  }

  /** Opens the details of a task. */
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
      due: form.getByLabel("Due date", { exact: true }),
      time: form.getByLabel("Due time"),
      priority: form.getByLabel("Priority"),
      list: form.getByLabel("List", { exact: true }),
      tags: form.getByRole("combobox", { name: "Tags" }),
      subtask: form.getByLabel("Add a subtask"),
      close: form.getByRole("button", { name: "Close details" }),
    };
  }

  async delete(title) {
    await this.row(title).hover();
    await this.page.getByRole("button", { name: `Delete ${title}`, exact: true }).click();
  }

  /** Chooses in the filter menu, and closes it. */
  async filter(label, option) {
    await this.page.getByRole("button", { name: "Filter and sort" }).click();
    await this.page.getByLabel(label).selectOption(option);
    await this.page.getByRole("button", { name: "Done", exact: true }).click();
  }

  /** Drags a row to `x`, `y` within another element. */
  async drag(title, target, { x = 200, y = 4, right = 0 } = {}) {
    const from = await this.row(title).boundingBox();
    const to = await target.boundingBox();
    const { mouse } = this.page;
    const start = { x: from.x + 240, y: from.y + 20 };
    await mouse.move(start.x, start.y);
    await mouse.down();
    await mouse.move(start.x + 4, start.y + 8, { steps: 3 });
    const end = right === null ? to.x + x : start.x + right;
    await mouse.move(end, to.y + y, { steps: 8 });
    await mouse.up();
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
    await expect(this.heading).toBeVisible();
    await this.ready();
  }
}
