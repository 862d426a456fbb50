import { request as httpRequest } from "node:http";
import { accessible } from "./support/axe.mjs";
import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

async function startGuest(guest) {
  const { page } = guest;
  await page.goto("/sign-in");
  await accessible(page, "the sign-in page");
  await page.getByRole("button", { name: "Try it without an account" }).click();
  await expect(guest.todo.heading).toHaveText("Today");
  await guest.todo.ready();
}

async function signUp({ page, email }) {
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
}

test("a guest’s tasks are there after signing up", async ({ visitor }) => {
  const guest = await visitor();
  const { page, todo } = guest;
  await startGuest(guest);
  await todo.title.fill("Buy milk");
  await todo.title.press("Enter");
  await page.getByRole("button", { name: "Guest account" }).click();
  await page.getByRole("link", { name: "Create an account" }).click();
  await expect(page.getByText("Create an account, and the tasks you added as a guest come with you.")).toBeVisible();
  await signUp(guest);
  await expect(todo.check("Buy milk")).toBeVisible();
  await page.getByRole("button", { name: "Account of Ada" }).click();
  expect(await guest.titles()).toEqual(["Buy milk"]);
});

test("what a guest has done without a connection comes along, too", async ({ visitor }) => {
  const guest = await visitor({ allowed: /Failed to load resource|ERR_/ });
  const { page, todo } = guest;
  await startGuest(guest);
  await todo.title.fill("Sent");
  await todo.title.press("Enter");
  await expect.poll(() => guest.titles()).toEqual(["Sent"]);
  // Todoward cannot be reached; the app itself can.
  await page.route("**/backend/**", (route) => route.abort());
  await todo.title.fill("Not sent yet");
  await todo.title.press("Enter");
  await expect(todo.check("Not sent yet")).toBeVisible();
  await page.goto("/sign-up");
  await signUp(guest);
  await expect(page.getByRole("alert").filter({ hasText: "can’t be moved to your account right now" })).toBeVisible({ timeout: 30_000 });
  await page.unroute("**/backend/**");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(todo.check("Not sent yet")).toBeVisible({ timeout: 30_000 });
  guest.token = undefined;
  expect(await guest.titles()).toEqual(["Sent", "Not sent yet"]);
});

test("a guest’s tasks join those of an account that exists", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create("Old");
  // A write is repeated if the page was left before its response.
  const guest = await visitor({ allowed: /status of 412/ });
  const { page, todo } = guest;
  await startGuest(guest);
  await todo.title.fill("New");
  await todo.title.press("Enter");
  await expect(todo.check("New")).toBeVisible();
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await todo.ready();
  await page.goto("/all");
  await expect(todo.check("Old")).toBeVisible();
  await expect(todo.check("New")).toBeVisible();
});

test("a guest who leaves takes the tasks off the server", async ({ visitor }) => {
  const guest = await visitor();
  const { page, todo } = guest;
  await startGuest(guest);
  await todo.title.fill("Secret");
  await todo.title.press("Enter");
  await expect.poll(() => guest.titles()).toEqual(["Secret"]);
  const { token } = guest;
  await page.getByRole("button", { name: "Guest account" }).click();
  await page.getByRole("button", { name: "Leave and delete tasks…" }).click();
  await todo.dialog.getByLabel(/To confirm, type/).fill("delete");
  await todo.dialog.getByRole("button", { name: "Delete tasks" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  const response = await fetch(`${guest.stack.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${token}` } });
  expect((await response.json()).items).toEqual([]);
});

test("a new user is offered sample tasks, and can take them back", async ({ visitor }) => {
  const guest = await visitor();
  const { page, todo } = guest;
  await startGuest(guest);
  await page.getByRole("button", { name: "Add sample tasks" }).click();
  await expect(todo.check("Call the dentist")).toBeVisible();
  await expect.poll(async () => (await guest.titles()).length).toBeGreaterThan(8);
  await todo.undo.click();
  await expect(todo.rows).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Add sample tasks" })).toHaveCount(0);
});

test("where taking a guest’s tasks along fails, nothing is lost, and trying again does it", async ({ visitor, start, listen }) => {
  let stack;
  let failing = true;
  let failed = 0;
  // Stands before Todoward, and fails the adoption, which the app's server asks for at the sign-up.
  const to = await listen((request, response) => {
    if (request.url.endsWith("/adopt") && failing) {
      failed += 1;
      return response.writeHead(503).end();
    }
    const { method, headers, url } = request;
    const passed = httpRequest(stack.url + url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("error", () => response.destroy()).pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  stack = await start({ to });
  const guest = await visitor({ stack, allowed: /status of (503|422)/ });
  const { page, todo } = guest;
  await startGuest(guest);
  await todo.title.fill("Buy milk");
  await todo.title.press("Enter");
  await page.goto("/settings");
  await todo.ready();
  await page.getByText("Compact", { exact: true }).click();
  await page.goto("/sign-up");
  await signUp(guest);
  const alert = page.getByRole("alert").filter({ hasText: "couldn’t be moved to your account" });
  await expect(alert).toBeVisible({ timeout: 30_000 });
  expect(failed).toBe(1);
  // Still a guest, who goes on and tries again later.
  await page.getByRole("link", { name: "Back to your tasks" }).click();
  await todo.ready();
  await todo.title.fill("Buy bread");
  await todo.title.press("Enter");
  await expect(todo.check("Buy milk")).toBeVisible();
  failing = false;
  await page.goto("/sign-up");
  await signUp(guest);
  await todo.ready();
  await expect(page.getByRole("button", { name: "Account of Ada" })).toBeVisible();
  await expect(todo.check("Buy milk")).toBeVisible();
  await expect(todo.check("Buy bread")).toBeVisible();
  await expect(page.locator("[data-density=compact]")).toBeVisible();
  guest.token = undefined;
  expect(await guest.titles()).toEqual(["Buy milk", "Buy bread"]);
});
