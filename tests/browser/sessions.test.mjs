import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";

const expiry = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).exp;

test("a token that ends while the page is open is renewed before anybody notices", async ({ visitor }) => {
  const ada = await visitor();
  await ada.page.clock.install();
  const todo = await ada.start();
  await todo.add("Before");
  await expect.poll(() => ada.titles()).toEqual(["Before"]);
  const asked = ada.page.waitForResponse(/\/api\/auth\/token$/);
  await ada.page.clock.fastForward("14:45");
  await todo.add("After");
  expect((await asked).status()).toBe(200);
  await expect.poll(() => ada.titles()).toEqual(["Before", "After"]);
});

test("a token that the server refuses as expired is renewed, and the request made again", async ({ visitor, start }) => {
  const stack = await start({ app: { TOKEN_LIFETIME: "4s" }, todoward: { TODOWARD__AUTH__LEEWAY: "0" } });
  const ada = await visitor({ stack, allowed: /status of 401|net::ERR_/ });
  // Without the stream, which would be told and get a new token in time.
  await ada.page.route("**/changes/stream", (route) => route.abort());
  // The page's clock is an hour slow, so it believes that the token is still good.
  await ada.page.clock.install({ time: Date.now() - 3_600_000 });
  // The last token: on a slow machine the page may have got a second one.
  const given = [];
  ada.page.on("response", (response) => response.url().endsWith("/api/auth/token") && given.push(response.json()));
  const token = async () => (await given.at(-1)).token;
  await ada.start();
  await expect.poll(() => given.length).toBeGreaterThan(0);
  const ask = async () => fetch(`${stack.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${await token()}` } });
  await expect.poll(async () => (await ask()).status, { timeout: 15_000 }).toBe(401);
  expect(expiry(await token())).toBeLessThanOrEqual(Date.now() / 1000);
  await ada.todo.add("In spite of all");
  await ada.todo.shows("In spite of all");
  await expect.poll(async () => (await (await ask()).json()).items?.length, { timeout: 15_000 }).toBe(1);
  await expect(ada.todo.messages).toHaveText("");
  await expect(ada.page.getByText("waiting to sync")).toBeHidden();
});

/** A page whose session was ended elsewhere, and whose token then expires. */
async function ended(visitor) {
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
  // The stream is opened anew, and needs a token for that.
  await expect(todo.dialog.getByRole("heading", { name: "Your session has ended" })).toBeVisible();
  return ada;
}

test("a session that ends asks for the password over the page, and loses nothing that was typed", async ({ visitor }) => {
  const ada = await ended(visitor);
  const { todo } = ada;
  await todo.dialog.getByLabel("Password").fill("wrong password");
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.dialog.getByLabel("Password")).toHaveAccessibleDescription(/isn’t right/);
  await todo.dialog.getByLabel("Password").fill(PASSWORD);
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(todo.dialog).toBeHidden();
  await todo.composer.getByRole("button", { name: "Add task" }).click();
  await todo.shows("Pay the rent of May", "Typed before the end");
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Typed before the end"]);
});

test("whoever signs in later goes on working, is told what waits, and nothing of it is lost", async ({ visitor }) => {
  const ada = await ended(visitor);
  const { page, todo } = ada;
  await page.keyboard.press("Escape");
  await expect(todo.dialog).toBeHidden();
  await todo.composer.getByRole("button", { name: "Add task" }).click();
  await expect(page.getByText(/You’re signed out\. You can keep working here\. \d changes? (is|are) waiting/)).toBeVisible();
  await todo.add("Typed while signed out");
  await todo.shows("Pay the rent of May", "Typed before the end", "Typed while signed out");
  // The dialog does not come back by itself.
  await page.clock.fastForward("05:00");
  await expect(todo.dialog).toBeHidden();
  await page.getByRole("button", { name: "Sign in" }).click();
  await todo.dialog.getByLabel("Password").fill(PASSWORD);
  await todo.dialog.getByRole("button", { name: "Sign in" }).click();
  await expect.poll(() => ada.titles()).toEqual(["Pay the rent of May", "Typed before the end", "Typed while signed out"]);
  await expect(page.getByText("You’re signed out")).toBeHidden();
});
