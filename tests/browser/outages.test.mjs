import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const LONG = { timeout: 45_000 };

test("an outage is told, everything can be done, and it arrives when Todoward is back, once", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[234]/ });
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  const notice = page.getByText(/Can’t reach Todoward\. You can keep working\. \d changes? (is|are) waiting to sync\./);
  await expect(notice).toBeVisible();
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  await editor.title.blur();
  await todo.shows("Pay the rent of May", "Typed in the dark");
  await page.reload();
  await todo.shows("Pay the rent of May", "Typed in the dark");
  await expect(notice).toBeVisible();
  await page.getByText("For developers").click();
  await expect(page.getByText(/Is Todoward running where TODOWARD_URL says/)).toBeVisible();

  await stack.startTodoward();
  await expect(notice).toBeHidden(LONG);
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Typed in the dark"]);
});

test("a task whose response is lost is sent again, and made once", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_|status of 412/ });
  const todo = await ada.start();
  let sent = 0;
  await ada.page.route("**/api/v1/tasks/*", async (route) => {
    sent += 1;
    if (sent > 1) return route.continue();
    const response = await route.fetch();
    expect(response.status()).toBe(201);
    return route.abort("connectionreset");
  });
  await todo.add("Only one of me");
  await todo.shows("Only one of me");
  await expect.poll(() => sent, LONG).toBeGreaterThan(1);
  await expect.poll(() => ada.titles()).toEqual(["Only one of me"]);
  await todo.shows("Only one of me");
});

test("a change whose response is lost stays, and is done once", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_|status of 412/ });
  const { page, todo } = ada;
  await ada.signUp();
  const { id } = await ada.create({ title: "Water the plants", due_date: "2030-01-01", recurrence: { rule: "FREQ=DAILY" } });
  await todo.open();
  let lost = false;
  await page.route(`**/api/v1/tasks/${id}/complete`, async (route) => {
    if (lost) return route.continue();
    lost = true;
    expect((await route.fetch()).ok()).toBe(true);
    return route.abort("connectionreset");
  });
  await todo.check("Water the plants").click();
  await expect.poll(async () => (await ada.api("GET", "/tasks?sort=due_date")).data.items.map(({ completed }) => completed), LONG).toEqual([true, false]);
  // The next task of the series.
  await expect(todo.rows.filter({ hasText: "2 Jan 2030" })).toBeVisible();
  await todo.shows("Water the plants");
});

test("signing out asks first while something is not sent, and closing the tab loses nothing", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[234]/ });
  const { page, todo, email } = ada;
  await ada.start();
  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  await expect(page.getByText(/1 change is waiting to sync/)).toBeVisible();
  await page.close();
  const again = await ada.newTab();
  await again.open();
  await again.shows("Typed in the dark");

  const account = again.page.getByRole("button", { name: /^Account of/ });
  await account.click();
  await again.page.getByRole("button", { name: "Sign out" }).click();
  await expect(again.dialog).toContainText("One change hasn’t reached the server yet.");
  await again.dialog.getByRole("button", { name: "Stay signed in" }).click();
  await expect(again.dialog).toBeHidden();
  await expect(account).toBeFocused();
  await stack.startTodoward();
  await expect.poll(() => ada.titles(), LONG).toEqual(["Typed in the dark"]);
  await again.signOut();
  await again.signIn(email, PASSWORD);
  await again.go("All tasks");
  await again.shows("Typed in the dark");
});

for (const direct of [false, true]) {
  test(`a Todoward that takes requests and never responds is told, ${direct ? "on two origins" : "on one origin"}`, async ({ visitor, start, listen }) => {
    const to = await listen(() => {});
    const stack = await start({ direct, to, app: { TODOWARD_TIMEOUT: "1" } });
    const ada = await visitor({ stack, behindProxy: !direct, allowed: /status of 504|net::ERR_/ });
    const { page, todo } = ada;
    await ada.start();
    await expect(page.getByText(/Can’t reach Todoward/)).toBeVisible(LONG);
    await todo.add("Typed into the silence");
    await todo.shows("Typed into the silence");
    await expect(page.getByText(/1 change is waiting to sync/)).toBeVisible();
  });
}

test("a sign-in server that never responds is told", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.clock.install();
  await ada.page.route("**/api/auth/token", () => {});
  const asked = ada.page.waitForRequest("**/api/auth/token");
  await ada.signUp();
  await ada.page.goto("/all");
  await asked;
  await expect(async () => {
    // Less than the time that the app gives IndexedDB to open.
    await ada.page.clock.fastForward("00:04");
    await expect(ada.page.getByText(/The sign-in server isn’t responding/)).toBeVisible({ timeout: 1_500 });
  }).toPass();
});
