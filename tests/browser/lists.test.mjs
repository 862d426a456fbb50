import { expect, test } from "./support/test.mjs";

test("a list of 130 tasks scrolls to its end, and has each of them once", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const titles = Array.from({ length: 130 }, (_, index) => `Task ${String(index).padStart(3, "0")}`);
  for (let at = 0; at < titles.length; at += 10) {
    await Promise.all(titles.slice(at, at + 10).map((title) => ada.create(title)));
  }
  await ada.todo.open("/?sort=title");
  await expect(ada.todo.rows.first()).toBeVisible();
  expect(await ada.todo.rows.count()).toBeLessThan(130);
  await expect(async () => {
    await ada.page.mouse.wheel(0, 4_000);
    await expect(ada.page.getByRole("button", { name: /Load/ })).toBeHidden({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await ada.todo.shows(...titles);
});

test("the address keeps search, filters and order over a reload", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  for (const title of ["Pears", "Plums", "Peaches"]) await ada.create({ title, priority: "high", tags: ["fruit"] });
  await ada.todo.open();
  await ada.todo.choice("Sort by").selectOption({ label: "Title" });
  await ada.todo.choice("Filter by priority").selectOption({ label: "High" });
  await ada.todo.search.fill("pea");
  await ada.todo.shows("Peaches", "Pears");
  await expect(ada.page).toHaveURL(/q=pea/);
  await ada.page.reload();
  await ada.todo.shows("Peaches", "Pears");
  await expect(ada.todo.search).toHaveValue("pea");
});

test("a new task that the filters do not fit is shown as just added, and goes when it is done", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create({ title: "Pears", tags: ["fruit"] });
  const todo = ada.todo;
  await todo.open("/?tag=fruit");
  await todo.add("Leeks");
  const news = ada.page.getByRole("region", { name: "Just added" });
  await expect(news.getByRole("checkbox", { name: "Leeks" })).toBeVisible();
  // Nothing that is animated may hide it later.
  await news.evaluate((one) => Promise.all(one.getAnimations({ subtree: true }).map(({ finished }) => finished)));
  await expect(news.getByText("Leeks")).toBeInViewport();
  await todo.check("Leeks").click();
  await todo.shows("Pears");
  await expect(news).toBeHidden();
});
