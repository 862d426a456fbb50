import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const expiry = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).exp;

test("a token that ends while the page is open is renewed before anybody notices", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.clock.install();
  const todo = await ada.start();
  await todo.add("Before");
  await todo.shows("Before");
  const tokens = new Set();
  ada.page.on("request", async (request) => tokens.add((await request.allHeaders()).authorization));
  await ada.page.clock.fastForward("14:45");
  const asked = ada.page.waitForResponse(/\/api\/auth\/token$/);
  await todo.add("After");
  expect((await asked).status()).toBe(200);
  await expect(todo.row("After")).toBeVisible();
  expect(await ada.titles()).toEqual(["Before", "After"]);
});

test("a token that the server refuses as expired is renewed, and the request made again", async ({ visitor, start }) => {
  const stack = await start({ app: { TOKEN_LIFETIME: "4s" }, todoward: { TODOWARD__AUTH__LEEWAY: "0" } });
  const ada = await visitor({ stack, allowed: /status of 401/ });
  // A clock that is late: to this page, the token is good for an hour.
  await ada.page.clock.install({ time: Date.now() - 3_600_000 });
  // On a slow machine it may have another one by now than the first.
  const given = [];
  ada.page.on("response", (response) => response.url().endsWith("/api/auth/token") && given.push(response.json()));
  const token = async () => (await given.at(-1)).token;
  await ada.start();
  await expect(ada.page.getByRole("heading", { name: "Nothing to do" })).toBeVisible();
  const ask = async () => fetch(`${stack.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${await token()}` } });
  await expect.poll(async () => (await ask()).status, { timeout: 15_000 }).toBe(401);
  expect(expiry(await token())).toBeLessThanOrEqual(Date.now() / 1000);

  const refused = ada.page.waitForResponse((response) => response.status() === 401);
  const repeated = ada.page.waitForResponse((response) => response.status() === 201);
  await ada.todo.add("In spite of all");
  await refused;
  await repeated;
  await ada.todo.shows("In spite of all");
  await expect(ada.todo.unsaved).toBeHidden();
  await expect(ada.todo.messages).toHaveText("");
});

test("a session that ends asks for the password over the page, and loses nothing that was typed", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 401/ });
  const { page, todo } = ada;
  await page.clock.install();
  await ada.signUp();
  await ada.create("Pay the rent");
  await todo.open();
  const editor = await todo.edit("Pay the rent");
  await editor.title.fill("Pay the rent of May");
  await todo.title.fill("Typed before the end");
  await ada.auth("POST", "/sign-out", {});
  await page.clock.fastForward("15:00");

  await todo.composer.getByRole("button", { name: "Add task" }).click();
  await expect(todo.dialog.getByRole("heading", { name: "Your session has expired" })).toBeVisible();
  await expect(todo.unsaved).toContainText("Typed before the end");
  await todo.dialog.getByLabel("Password").fill("wrong password");
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.dialog.getByLabel("Password")).toHaveAccessibleDescription(/is not right/);
  await todo.dialog.getByLabel("Password").fill(PASSWORD);
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.dialog).toBeHidden();

  await expect(todo.row("Typed before the end")).toBeVisible();
  await expect(todo.unsaved).toBeHidden();
  await expect(editor.title).toHaveValue("Pay the rent of May");
  await editor.save.click();
  await expect(todo.row("Pay the rent of May")).toBeVisible();
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Typed before the end"]);
});

test("a new task that waits to be sent again is saved after a new sign-in of the same user", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 4(01|29)/ });
  const { page, todo } = ada;
  await page.clock.install();
  await ada.start();
  let refusals = 0;
  await page.route("**/api/v1/tasks", (route) => {
    if (route.request().method() !== "POST" || refusals++ > 0) return route.continue();
    return route.fulfill(problem(429, "rate_limited", { "retry-after": "10" }));
  });
  await todo.add("Typed before the end");
  await expect(todo.messages).toContainText("The server asks for a pause.");
  await ada.auth("POST", "/sign-out", {});
  await page.route("**/api/v1/tasks?*", (route) => route.fulfill(problem(401, "invalid_token")), { times: 1 });
  await todo.show("All");
  await expect(todo.dialog.getByRole("heading", { name: "Your session has expired" })).toBeVisible();
  await todo.dialog.getByLabel("Password").fill(PASSWORD);
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.dialog).toBeHidden();
  await page.clock.fastForward("00:11");
  await todo.shows("Typed before the end");
  await expect(todo.unsaved).toBeHidden();
});

/** An answer of Todoward. */
function problem(status, code, headers = {}) {
  const body = { type: "about:blank", title: code, status, detail: code, instance: "/api/v1/tasks", code, request_id: "1" };
  return { status, headers, contentType: "application/problem+json", body: JSON.stringify(body) };
}
