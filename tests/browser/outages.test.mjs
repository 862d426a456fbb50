import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const LONG = { timeout: 45_000 };

test("what is typed while Todoward is away is saved when it is back, once", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");

  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  await expect(todo.unsaved).toContainText("Typed in the dark");
  await expect(todo.unsaved).toContainText("Not saved yet. No connection to Todoward.");
  await editor.save.click();
  await expect(page.getByText(/No connection to Todoward\. (What you typed is still here\.)?/).first()).toBeVisible();
  // The browser cannot know that a reload loses nothing.
  const question = page.waitForEvent("dialog");
  const reloaded = page.reload();
  expect((await question).type()).toBe("beforeunload");
  await (await question).accept();
  await reloaded;
  await expect(page.getByRole("heading", { name: "No connection to Todoward" })).toBeVisible();
  await expect(page.getByText(/Trying again/)).toBeVisible();
  await expect(todo.unsaved).toContainText("Typed in the dark");

  await stack.startTodoward();
  await expect(todo.row("Typed in the dark")).toBeVisible(LONG);
  await expect(page.getByRole("heading", { name: "No connection to Todoward" })).toBeHidden(LONG);
  // A change waits for its author, who may have thought better of it.
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(editor.title).toHaveValue("Pay the rent of May");
  await editor.save.click();
  await expect(todo.row("Pay the rent of May")).toBeVisible();
  await expect(todo.unsaved).toBeHidden();
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Typed in the dark"]);
});

test("a list that is open stays, is marked as old, and is current again by itself", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  await ada.signUp();
  await ada.create("Pay the rent");
  const { page, todo } = ada;
  await todo.open();
  await todo.shows("Pay the rent");
  await stack.stopTodoward();
  // Coming back to the tab asks for the list anew, once what it has is old.
  await expect(async () => {
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
    await expect(page.getByText("What you see may be out of date.")).toBeVisible({ timeout: 500 });
  }).toPass(LONG);
  await todo.shows("Pay the rent");
  await stack.startTodoward();
  await expect(page.getByText("What you see may be out of date.")).toBeHidden(LONG);
  await todo.shows("Pay the rent");
});

test("a task whose answer is lost is sent again, and made once", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_/ });
  const todo = await ada.start();
  const keys = [];
  await ada.page.route("**/api/v1/tasks", async (route) => {
    const request = route.request();
    if (request.method() !== "POST") return route.continue();
    keys.push(request.headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    const answer = await route.fetch();
    expect(answer.status()).toBe(201);
    return route.abort("connectionreset");
  });
  await todo.add("Only one of me");
  await todo.shows("Only one of me");
  await expect(todo.unsaved).toBeHidden();
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(await ada.titles()).toEqual(["Only one of me"]);
});

test("a task that is sent again by itself keeps the focus, and is not read out anew", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  const { page, todo } = ada;
  await page.clock.install();
  await ada.start();
  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  await expect(todo.unsaved).toContainText("It is sent again by itself.");
  const retry = todo.unsaved.getByRole("button", { name: "Retry" });
  await retry.focus();
  const said = await todo.unsaved.getByRole("alert").evaluateHandle((alert) => {
    const state = { alert, changes: 0 };
    new MutationObserver((all) => (state.changes += all.length)).observe(alert, { subtree: true, childList: true, characterData: true });
    return state;
  });
  const sent = page.waitForResponse((response) => response.request().method() === "POST");
  await page.clock.fastForward("00:10");
  await sent;
  await expect(todo.unsaved.getByRole("listitem")).toHaveAttribute("aria-busy", "false");
  await expect(retry).toBeFocused();
  expect(await said.evaluate(({ alert, changes }) => [alert.isConnected, changes])).toEqual([true, 0]);
  await stack.startTodoward();
});

test("messages that offer another try are not pushed out by others", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_/ });
  const { page, todo } = ada;
  await ada.signUp();
  const titles = ["One", "Two", "Three", "Four"];
  for (const title of titles) await ada.create(title);
  const { id } = await ada.create("Done");
  await ada.api("PATCH", `/tasks/${id}`, { completed: true });
  await todo.open("/?status=all");
  await page.route(/\/api\/v1\/tasks/, (route) => (route.request().method() === "GET" ? route.continue() : route.abort()));
  for (const title of titles) {
    await todo.check(title).click();
    await expect(todo.messages).toContainText(`“${title}” is done.`);
  }
  await page.getByRole("button", { name: "Clear completed" }).click();
  await todo.dialog.getByRole("button", { name: "Clear completed" }).click();
  await expect(todo.messages).toContainText("the completed tasks were deleted");
  await expect(todo.messages.getByRole("button", { name: "Try again" })).toHaveCount(4);
});

test("a write whose answer is lost is not said to have failed, and the list shows what became of it", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_/ });
  const { page, todo } = ada;
  await ada.signUp();
  await ada.create("Water the plants");
  await ada.create("Call the bank");
  const lose = async (route) => {
    if (route.request().method() === "GET") return route.continue();
    expect((await route.fetch()).ok()).toBe(true);
    return route.abort("connectionreset");
  };
  await todo.open("/?status=all");
  await page.route(/\/api\/v1\/tasks/, lose);
  await todo.check("Water the plants").click();
  await expect(todo.messages).toContainText("It is not known whether “Water the plants” is done.");
  await expect(todo.check("Water the plants")).toBeChecked();

  await page.getByRole("button", { name: "Clear completed" }).click();
  await todo.dialog.getByRole("button", { name: "Clear completed" }).click();
  await expect(todo.messages).toContainText("It is not known whether the completed tasks were deleted.");
  await todo.shows("Call the bank");

  await todo.delete("Call the bank");
  await expect(todo.messages).toContainText("It is not known whether “Call the bank” was deleted.");
  await todo.shows();
});

test("a change that shows at once is taken back with a message when it fails", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  await ada.signUp();
  await ada.create("Finish the thesis");
  const { page, todo } = ada;
  await todo.open();
  await expect(todo.check("Finish the thesis")).not.toBeChecked();
  let release;
  const held = new Promise((done) => (release = done));
  await page.route(/\/api\/v1\/tasks\/[^/]+/, async (route) => {
    await held;
    await route.continue();
  });
  await todo.check("Finish the thesis").click();
  await expect(todo.check("Finish the thesis")).toBeChecked();
  await stack.stopTodoward();
  release();
  await expect(todo.messages).toContainText("It is not known whether “Finish the thesis” is done. No connection to Todoward.");
  await expect(todo.check("Finish the thesis")).not.toBeChecked();
  await stack.startTodoward();
  await todo.messages.getByRole("button", { name: "Try again" }).click();
  await expect.poll(async () => (await ada.api("GET", "/tasks?completed=true")).data.items.length).toBe(1);
  await todo.shows();
});

test("closing the tab and signing out ask first while something is not saved", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  const { page, todo, email } = ada;
  await ada.start();
  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  await expect(todo.unsaved).toContainText("Not saved yet.");

  const question = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  expect((await question).type()).toBe("beforeunload");
  await (await question).dismiss();
  await expect(todo.unsaved).toContainText("Typed in the dark");

  const account = page.getByRole("button", { name: /^Account of/ });
  const signOut = async () => {
    await account.click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(todo.dialog).toContainText("1 task is not saved yet.");
  };
  await signOut();
  await todo.dialog.getByRole("button", { name: "Stay signed in" }).click();
  await expect(todo.dialog).toBeHidden();
  await expect(account).toBeFocused();
  await signOut();
  // Nobody is asked twice.
  const asked = [];
  page.on("dialog", (dialog) => asked.push(dialog.type()) && dialog.accept());
  await todo.dialog.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  expect(asked).toEqual([]);

  await todo.signIn(email, PASSWORD);
  await expect(todo.unsaved).toContainText("Typed in the dark");
  await stack.startTodoward();
  await expect(todo.row("Typed in the dark")).toBeVisible(LONG);
  await expect(todo.unsaved).toBeHidden();
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => page.isClosed()).toBe(true);
  expect(asked).toEqual([]);
  expect(await ada.titles()).toEqual(["Typed in the dark"]);
});

test("a change that could not be saved is asked about, a draft is not", async ({ visitor, stack }) => {
  const ada = await visitor({ allowed: /status of 50[23]/ });
  const { page, todo } = ada;
  await ada.signUp();
  await ada.create("Pay the rent");
  await todo.open();
  const asked = [];
  page.on("dialog", (dialog) => asked.push(dialog.type()) && dialog.accept());
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  await todo.title.fill("Half a thought");
  await page.reload();
  await expect(todo.title).toHaveValue("Half a thought");
  await expect(editor.title).toHaveValue("Pay the rent of May");
  expect(asked).toEqual([]);
  await stack.stopTodoward();
  await editor.save.click();
  await expect(page.getByText(/No connection to Todoward\./).first()).toBeVisible();
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
  await stack.startTodoward();
});

for (const direct of [false, true]) {
  test(`a Todoward that takes requests and never answers is told, ${direct ? "on two origins" : "on one origin"}`, async ({ visitor, start, listen }) => {
    const to = await listen(() => {});
    const stack = await start({ direct, to, app: { TODOWARD_TIMEOUT: "1" } });
    const ada = await visitor({ stack, behindProxy: !direct, allowed: /status of 504|net::ERR_/ });
    const { page, todo } = ada;
    await ada.start();
    await expect(todo.messages).toContainText("No answer yet. Trying again…");
    await expect(page.getByRole("heading", { name: "No connection to Todoward" })).toBeVisible();
    await todo.add("Typed into the silence");
    await expect(todo.unsaved).toContainText("Not saved yet. No connection to Todoward.");
  });
}

test("a sign-in server that never answers is told", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.clock.install();
  await ada.page.route("**/api/auth/token", () => {});
  const asked = ada.page.waitForRequest("**/api/auth/token");
  await ada.start();
  await asked;
  await ada.page.clock.fastForward("00:20");
  await expect(ada.page.getByRole("heading", { name: "The sign-in server does not answer" })).toBeVisible();
});
