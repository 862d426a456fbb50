import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

async function filled(visitor, context) {
  const ada = await visitor({ context: { timezoneId: "UTC", ...context } });
  await ada.signUp();
  ada.list = (await ada.api("POST", "/lists", { name: "Groceries", color: "#3a8a3f" })).data;
  await ada.create({ title: "Long overdue", due_date: day(-4) });
  await ada.create({ title: "Due today", due_date: day(0), due_time: "14:00" });
  await ada.create({ title: "In three days", due_date: day(3) });
  await ada.create({ title: "In two months", due_date: day(60) });
  await ada.create({ title: "Milk", list_id: ada.list.id, tags: ["shop"], priority: "high" });
  await ada.create({ title: "Some day" });
  return ada;
}

test("each place shows its tasks, and the sidebar says how many", async ({ visitor }) => {
  const ada = await filled(visitor);
  const { page, todo } = ada;
  await todo.open("/");
  await expect(todo.heading).toHaveText("Today");
  await todo.shows("Long overdue", "Due today");
  await expect(page.getByRole("heading", { name: /^Overdue/ })).toHaveCount(1);
  const places = page.getByRole("navigation", { name: "Places" });
  await expect(places.getByRole("link", { name: /^Today/ })).toHaveAccessibleName(/1 overdue, 2 open/);
  await expect(places.getByRole("link", { name: /^Inbox/ })).toHaveAccessibleName(/5 open/);
  await expect(places.getByRole("link", { name: /^Groceries/ })).toHaveAccessibleName(/1 open/);

  await todo.go("Inbox");
  await todo.shows("Long overdue", "Due today", "In three days", "In two months", "Some day");
  await todo.go(/^Groceries/);
  await todo.shows("Milk");
  await todo.go("Upcoming");
  await todo.shows("Long overdue", "Due today", "In three days");
  await page.getByText("Month", { exact: true }).click();
  await expect(page).toHaveURL(/view=month/);
  await expect(page.getByRole("table").getByRole("button", { name: "Due today" })).toBeVisible();
  await todo.go("All tasks");
  await todo.shows("Long overdue", "Due today", "In three days", "In two months", "Some day", "Milk");
  await expect(page.getByText("6 tasks")).toBeVisible();
});

test("a task that is added in a place belongs to it", async ({ visitor }) => {
  const ada = await filled(visitor);
  const { page, todo } = ada;
  await todo.open("/");
  await todo.add("Now");
  await todo.shows("Long overdue", "Due today", "Now");
  await todo.go(/^Groceries/);
  await todo.add("Bread");
  await todo.shows("Milk", "Bread");
  await todo.go("Upcoming");
  await page.getByRole("button", { name: /^Add task for Tomorrow/ }).click();
  await page.keyboard.type("Then");
  await page.keyboard.press("Enter");
  await expect(todo.row("Then")).toBeVisible();
  await expect
    .poll(async () => (await ada.api("GET", "/tasks?sort=-created_at&limit=3")).data.items.map(({ title, due_date, list_id }) => [title, due_date, list_id]))
    .toEqual([
      ["Then", day(1), null],
      ["Bread", null, ada.list.id],
      ["Now", day(0), null],
    ]);
});

test("Back and Forward go through places, filters and details, and leave nothing out", async ({ visitor }) => {
  const { page, todo } = await filled(visitor);
  await todo.open("/");
  await todo.go("All tasks");
  await todo.filter("Filter by tag", "shop");
  await todo.filter("Filter by priority", "High");
  await todo.shows("Milk");
  const editor = await todo.edit("Milk");
  await expect(page).toHaveURL(/\/all\?tag=shop&priority=high&task=/);
  await page.goBack();
  await expect(editor.form).toBeHidden();
  await page.goBack();
  await expect(page).toHaveURL(/\/all\?tag=shop$/);
  await page.goBack();
  await expect(page).toHaveURL(/\/all$/);
  await expect(todo.row("Some day")).toBeVisible();
  await page.goBack();
  await expect(todo.heading).toHaveText("Today");
  for (let step = 0; step < 4; step += 1) await page.goForward();
  await expect(editor.form).toBeVisible();
  // Closing the editor goes one step back, so the next step back leaves the place.
  await editor.close.click();
  await expect(page).toHaveURL(/\/all\?tag=shop&priority=high$/);
  await page.goBack();
  await expect(page).toHaveURL(/\/all\?tag=shop$/);
  // All that is typed into the search is one step.
  await todo.search.pressSequentially("milk");
  await expect(page).toHaveURL(/q=milk/);
  await page.goBack();
  await expect(page).toHaveURL(/\/all\?tag=shop$/);
  await expect(todo.search).toHaveValue("");
});

test("another place begins at its top, and Back finds the old one where it was left", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const operations = Array.from({ length: 100 }, (_, index) => ({ method: "POST", path: "/tasks", body: { title: `Task ${index}`, tags: ["much"] } }));
  await ada.api("POST", "/batch", { operations });
  const { page, todo } = ada;
  await todo.open("/inbox");
  await expect(todo.row("Task 70")).toBeAttached();
  await todo.row("Task 70").scrollIntoViewIfNeeded();
  const top = await page.evaluate(() => scrollY);
  expect(top).toBeGreaterThan(1000);
  await todo.row("Task 70").getByRole("button", { name: "Show tasks tagged much" }).click();
  await expect(page).toHaveURL(/\/all\?tag=much$/);
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(0);
  await page.goBack();
  await expect(page).toHaveURL(/\/inbox$/);
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(top - 200);
});

test("a link to a task in a place survives the sign-in, and leads nowhere else", async ({ visitor }) => {
  const ada = await filled(visitor);
  const { page, todo, email } = ada;
  const { data } = await ada.api("GET", "/tasks?q=milk");
  const link = `/lists/${ada.list.id}?tag=shop&task=${data.items[0].id}`;
  await ada.context.clearCookies();
  await page.goto(link);
  await expect(page).toHaveURL(/\/sign-in\?to=/);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.editor("Milk").title).toHaveValue("Milk");
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(link);
  // The sign-in page does not lead to another site, whatever the link says.
  for (const to of ["//evil.example/", "https://evil.example/", "/\\evil.example", "/nowhere"]) {
    await page.goto(`/sign-in?to=${encodeURIComponent(to)}`);
    await expect(todo.heading).toHaveText("Today");
    expect(new URL(page.url()).pathname).toBe("/");
  }
});

test("what is not there says so", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 404/ });
  const { page, todo } = ada;
  await ada.start();
  await page.goto("/no/such/place");
  await expect(page.getByRole("heading", { name: "There’s nothing here" })).toBeVisible();
  const id = "01890000-0000-7000-8000-000000000000";
  await page.goto(`/lists/${id}`);
  await expect(page.getByRole("heading", { name: "This list doesn’t exist" })).toBeVisible();
  await page.goto(`/inbox?task=${id}`);
  await expect(page.getByRole("heading", { name: "This task doesn’t exist" })).toBeVisible();
  await page.getByRole("complementary", { name: "Details" }).getByRole("button", { name: "Close" }).click();
  await expect(page).toHaveURL(/\/inbox$/);
  await todo.ready();
});

test("the address keeps search, filters and order over a reload", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  for (const title of ["Pears", "Plums", "Peaches"]) await ada.create({ title, priority: "high", tags: ["fruit"] });
  const { page, todo } = ada;
  await todo.open();
  await todo.filter("Sort by", "Title");
  await todo.filter("Filter by priority", "High");
  await todo.search.fill("pea");
  await todo.shows("Peaches", "Pears");
  await expect(page).toHaveURL(/q=pea/);
  await page.reload();
  await todo.shows("Peaches", "Pears");
  await expect(todo.search).toHaveValue("pea");
});

test("the page has its tasks before any script runs", async ({ visitor, stack }) => {
  const ada = await filled(visitor, { javaScriptEnabled: false });
  await ada.page.goto("/");
  await ada.todo.shows("Long overdue", "Due today");
  expect(stack.appUrl).toBeTruthy();
});

test("the page comes without Todoward, and in time", async ({ visitor, start, listen }) => {
  const to = await listen(() => {});
  const stack = await start({ to });
  const ada = await visitor({ stack, allowed: /status of 50|net::ERR_/ });
  await ada.signUp();
  const before = Date.now();
  await ada.todo.open("/");
  expect(Date.now() - before).toBeLessThan(10_000);
  await ada.todo.add("Typed into the silence");
  await ada.todo.shows("Typed into the silence");
});

test("the first load is at most 172 KiB of JavaScript, compressed", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  const sizes = new Map();
  ada.page.on("requestfinished", (request) => {
    if (/\.js$/.test(request.url())) sizes.set(new URL(request.url()).pathname, request.sizes().catch(() => undefined));
  });
  const page = await ada.page.goto("/", { waitUntil: "load" });
  // The scripts that the page names. Nobody waits for what is loaded after them.
  const named = [...(await page.text()).matchAll(/<script src="([^"]+)"([^>]*)>/g)].filter(([, , rest]) => !/nomodule/i.test(rest));
  const all = await Promise.all(named.map(([, path]) => sizes.get(path)));
  const sum = all.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
  expect(sum).toBeGreaterThan(50 * 1024);
  expect(sum).toBeLessThan(172 * 1024);
});

test("who has no tasks is told so by the page itself, and not when everything is loaded", async ({ visitor }) => {
  const ada = await visitor({ context: { javaScriptEnabled: false } });
  await ada.signUp();
  for (const [path, title] of [["/", "Nothing due today"], ["/inbox", "Your inbox is empty"], ["/all", "Nothing to do"]]) {
    await ada.page.goto(path);
    await expect(ada.page.getByRole("heading", { name: title })).toBeVisible();
  }
  // It does not claim to know what it has not loaded.
  await ada.page.goto("/done");
  await expect(ada.page.getByText("Loading your tasks…")).toBeVisible();
});

test("the first rows are in their place in the page itself, and not where only a script shows them", async ({ visitor }) => {
  const ada = await visitor({ context: { javaScriptEnabled: false } });
  await ada.signUp();
  const operations = Array.from({ length: 25 }, (_, index) => ({ method: "POST", path: "/tasks", body: { title: `Row ${index}`, due_date: day(0) } }));
  await ada.api("POST", "/batch", { operations });
  for (const path of ["/", "/upcoming", "/all"]) {
    await ada.page.goto(path);
    await expect(ada.todo.check("Row 0")).toBeVisible();
    await expect(ada.todo.rows).toHaveCount(25);
  }
});
