import { expect, test } from "./support/test.mjs";

const named = async (ada) => (await ada.api("GET", "/lists")).data.items.map(({ name, color, archived }) => [name, color, archived]);

test("lists are made, renamed, recoloured, moved, archived, deleted and restored in the sidebar", async ({ visitor }) => {
  const ada = await visitor();
  const { page, todo } = ada;
  await ada.start();
  const nav = page.getByRole("navigation", { name: "Places" });
  const add = async (name, color) => {
    await page.getByRole("button", { name: "New list" }).click();
    await page.getByRole("textbox", { name: "List name" }).fill(name);
    if (color) await page.getByRole("radio", { name: color }).check({ force: true });
    await page.getByRole("button", { name: "Add list" }).click();
    await expect(todo.heading).toHaveText(name);
    await expect(page).toHaveURL(/\/lists\//);
  };
  const menu = async (name, item) => {
    await nav.getByRole("link", { name }).hover();
    await page.getByRole("button", { name: `More actions for ${name}` }).click();
    await page.getByRole("button", { name: item, exact: true }).click();
  };
  await add("Groceries", "Green");
  await todo.add("Milk");
  await add("Work");
  await add("Home");
  await expect.poll(() => named(ada)).toEqual([["Groceries", "#3a8a3f", false], ["Work", null, false], ["Home", null, false]]);

  await menu("Work", "Rename or change colour");
  await page.getByRole("textbox", { name: "List name" }).fill("Office");
  await page.getByRole("radio", { name: "Blue" }).check({ force: true });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await nav.getByRole("link", { name: "Home" }).focus();
  await page.keyboard.press("Alt+ArrowUp");
  await expect.poll(() => named(ada)).toEqual([["Groceries", "#3a8a3f", false], ["Home", null, false], ["Office", "#2f78c8", false]]);
  await expect(nav.getByRole("link", { name: "Home" })).toBeFocused();

  // The same with the mouse.
  const [from, to] = [await nav.getByRole("link", { name: "Office" }).boundingBox(), await nav.getByRole("link", { name: "Groceries" }).boundingBox()];
  await page.mouse.move(from.x + 60, from.y + 15);
  await page.mouse.down();
  await page.mouse.move(from.x + 60, from.y + 5, { steps: 3 });
  await page.mouse.move(to.x + 60, to.y + 4, { steps: 5 });
  await page.mouse.up();
  await expect.poll(async () => (await named(ada)).map(([name]) => name)).toEqual(["Office", "Groceries", "Home"]);

  await menu("Groceries", "Archive");
  await expect(nav.getByRole("link", { name: "Groceries" })).toBeHidden();
  await todo.go("All tasks");
  await todo.shows();
  await todo.search.fill("milk");
  await todo.shows("Milk");
  await page.getByRole("button", { name: "Clear search" }).click();
  await page.getByRole("button", { name: /Archived lists/ }).click();
  await nav.getByRole("link", { name: "Groceries" }).click();
  await todo.shows("Milk");
  await page.getByRole("button", { name: "Unarchive" }).first().click();
  await todo.go("All tasks");
  await todo.shows("Milk");

  await menu("Groceries", "Delete list");
  await todo.shows();
  await todo.go("Trash");
  await page.getByRole("button", { name: "Restore Groceries" }).click();
  await nav.getByRole("link", { name: "Groceries" }).click();
  await todo.shows("Milk");
  await menu("Groceries", "Delete list");
  await expect(page).toHaveURL(/\/inbox$/);
  await todo.go("Trash");
  await page.getByRole("button", { name: "Empty trash" }).click();
  await todo.dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await expect.poll(async () => (await ada.api("GET", "/tasks?trash=true")).data.items).toEqual([]);
  await expect.poll(async () => (await named(ada)).map(([name]) => name)).toEqual(["Office", "Home"]);
});

test("a list of 400 tasks scrolls to its end, has each of them once, and says how many they are", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const titles = Array.from({ length: 400 }, (_, index) => `Task ${String(index).padStart(3, "0")}`);
  for (let at = 0; at < titles.length; at += 100) {
    const operations = titles.slice(at, at + 100).map((title) => ({ method: "POST", path: "/tasks", body: { title } }));
    expect((await ada.api("POST", "/batch", { operations })).status).toBe(200);
  }
  await ada.todo.open("/inbox");
  await expect(ada.page.getByText("400 tasks")).toBeVisible();
  expect(await ada.todo.rows.count()).toBeLessThan(400);
  const requests = [];
  ada.page.on("request", (request) => requests.push(request.url()));
  await expect(async () => {
    await ada.page.mouse.wheel(0, 6_000);
    await expect(ada.todo.rows).toHaveCount(400, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await ada.todo.shows(...titles);
  // Completing a task is one request, however many rows there are.
  requests.length = 0;
  await ada.todo.check("Task 399").click();
  await expect.poll(async () => (await ada.api("GET", "/tasks?completed=true")).data.items.length).toBe(1);
  expect(requests.filter((url) => !url.includes("/changes"))).toHaveLength(1);
});
