import { expect, test } from "./support/test.mjs";
import { PASSWORD } from "./support/visitor.mjs";
import { wholeStory } from "./support/story.mjs";

test("the whole story, from the sign-up to the second sign-in, by clicking", async ({ visitor }) => {
  const ada = await visitor();
  await wholeStory(ada);
});

test("a wrong password, a short one and an address that is taken are explained at their fields", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 4(01|22|00)/ });
  const { page, email } = await ada.signUp();
  await ada.auth("POST", "/sign-out", {});
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/isn’t right/);

  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/at least 8 characters/i);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/already/);
});

test("an e-mail address that is none is explained at its field", async ({ visitor }) => {
  const { page } = await visitor({ allowed: /status of 400/ });
  const address = page.getByLabel("E-mail");
  for (const [path, action] of [["/sign-in", "Sign in"], ["/sign-up", "Create account"]]) {
    await page.goto(path);
    if (path === "/sign-up") await page.getByLabel("Name").fill("Ada");
    await address.fill("ada at example.com");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: action }).click();
    await expect(address).toHaveAccessibleDescription("This isn’t an e-mail address.");
    await expect(address).toBeFocused();
  }
});

for (const [path, action] of [["/sign-in", "Sign in"], ["/sign-up", "Create account"]]) {
  test(`what is typed at ${path} before the page is ready is neither sent nor lost`, async ({ visitor }) => {
    const ada = await visitor();
    const { page, todo, email } = ada;
    if (path === "/sign-in") {
      await ada.signUp();
      await ada.context.clearCookies();
    }
    let release;
    const held = new Promise((done) => (release = done));
    await page.route("**/_next/static/**/*.js", async (route) => {
      await held;
      await route.continue();
    });
    const sent = [];
    page.on("request", (request) => sent.push(`${request.method()} ${request.url()}`));
    await page.goto(path, { waitUntil: "commit" });
    const password = page.getByLabel("Password");
    const button = page.getByRole("button", { name: action });
    const name = page.getByLabel("Name");
    if (path === "/sign-up") await name.fill("Ada");
    await page.getByLabel("E-mail").fill(email);
    await password.fill(PASSWORD);
    await expect(button).toBeDisabled();
    await password.press("Enter");
    await button.click({ force: true });
    // Even if the form is sent without the script, no URL has the password.
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await page.locator("form").evaluate((form) => form.submit());
    expect((await answer).status()).toBe(200);
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    expect(sent.filter((one) => one.startsWith("POST"))).toHaveLength(1);

    if (path === "/sign-up") await name.fill("Ada");
    await page.getByLabel("E-mail").fill(email);
    await password.fill(PASSWORD);
    release();
    await expect(button).toBeEnabled();
    await expect(password).toHaveValue(PASSWORD);
    await password.press("Enter");
    await expect(todo.heading).toBeVisible();
    expect(sent.filter((one) => one.includes("password") || one.includes(encodeURIComponent(PASSWORD)))).toEqual([]);
  });
}

test("a tag that is still being typed is saved, and the same tag in another spelling is not a second one", async ({ visitor }) => {
  const ada = await visitor();
  await ada.signUp();
  await ada.create({ title: "Buy coffee", tags: ["Home"] });
  await ada.create("Buy tea");
  const { todo, page } = ada;
  await todo.open();
  const editor = await todo.edit("Buy tea");
  await editor.tags.fill("#kitchen, ");
  await editor.close.click();
  await expect(todo.row("Buy tea")).toContainText("kitchen");
  await todo.edit("Buy tea");
  // A few letters find each tag of any task.
  await editor.tags.fill("ho");
  await expect(page.getByRole("option", { name: /^Home/ })).toBeVisible();
  await editor.tags.press("ArrowDown");
  await editor.tags.press("Enter");
  await editor.tags.fill("#HOME");
  await editor.tags.press("Enter");
  await expect.poll(async () => (await ada.api("GET", "/tasks?q=tea")).data.items[0].tags).toEqual(["kitchen", "Home"]);
  await editor.form.getByRole("button", { name: "Remove tag kitchen" }).click();
  await expect(editor.tags).toBeFocused();
  await expect.poll(async () => (await ada.api("GET", "/tasks?q=tea")).data.items[0].tags).toEqual(["Home"]);
});
