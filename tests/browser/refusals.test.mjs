import { expect, test } from "./support/test.mjs";

test("several fields that the server refuses are explained beside each of them, and can be mended", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 422/ });
  const todo = await ada.start();
  const tags = todo.composer.getByRole("textbox", { name: "Tags" });
  await todo.add("a".repeat(1300), { tags: ["b".repeat(100)] });
  await expect(todo.title).toHaveAccessibleDescription(/^The title .+/);
  await expect(tags).toHaveAccessibleDescription(/^Tags .+/);
  expect(await ada.titles()).toEqual([]);
  await todo.composer.getByRole("button", { name: /^Remove tag/ }).click();
  await expect(tags).not.toHaveAttribute("aria-invalid");
  await expect(tags).toBeFocused();
  await expect(todo.title).toHaveAttribute("aria-invalid", "true");
  await todo.add("Shorter");
  await todo.shows("Shorter");

  const editor = await todo.edit("Shorter");
  await editor.title.fill("c".repeat(1300));
  await editor.tags.fill("d".repeat(100));
  await editor.save.click();
  await expect(editor.title).toHaveAccessibleDescription(/^The title .+/);
  await expect(editor.tags).toHaveAccessibleDescription(/^Tags .+/);
  await editor.cancel.click();
  await todo.shows("Shorter");
});

test("what is being typed changes places with a refused task that is taken back", async ({ visitor }) => {
  const ada = await visitor({ allowed: /status of 422/ });
  const { page } = ada;
  const todo = await ada.start();
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/api/v1/tasks", async (route) => {
    if (route.request().method() === "POST") await held;
    await route.continue();
  });
  const long = "a".repeat(1300);
  await todo.add(long);
  await todo.title.fill("Half a thought #home");
  await todo.composer.getByLabel("Priority").selectOption({ label: "High" });
  release();
  const refused = todo.unsaved.getByRole("listitem").filter({ hasText: long });
  await refused.getByRole("button", { name: "Edit" }).click();
  await expect(todo.title).toHaveValue(long);
  await expect(todo.title).toHaveAccessibleDescription(/^The title .+/);
  await expect(todo.unsaved).toContainText("Half a thought #home");

  // Nor does a reload lose or send it.
  page.on("dialog", (dialog) => dialog.accept());
  await page.reload();
  await todo.add("Shorter");
  await todo.shows("Shorter");
  await todo.unsaved.getByRole("button", { name: "Edit" }).click();
  await expect(todo.unsaved).toBeHidden();
  await expect(todo.title).toHaveValue("Half a thought #home");
  await expect(todo.composer.getByLabel("Priority")).toHaveValue("high");
  expect(await ada.titles()).toEqual(["Shorter"]);
});

test("a task that is too large for the server can be taken back and shortened", async ({ visitor, start }) => {
  const stack = await start({ todoward: { TODOWARD__SERVER__BODY_LIMIT: "65536" } });
  const ada = await visitor({ stack, allowed: /status of 413/ });
  const todo = await ada.start();
  const long = "a".repeat(70_000);
  await todo.add(long);
  await expect(todo.unsaved).toContainText("Not saved yet. That is too long.");
  await todo.unsaved.getByRole("button", { name: "Edit" }).click();
  await expect(todo.title).toHaveValue(long);
  await todo.add("Shorter");
  await todo.shows("Shorter");
  await expect(todo.unsaved).toBeHidden();
});

test("a server that asks for a pause gets it, and the user is told", async ({ visitor, start }) => {
  const stack = await start({
    todoward: { TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND: "1", TODOWARD__RATE_LIMIT__BURST: "3" },
  });
  const ada = await visitor({ stack, allowed: /status of 429/ });
  const todo = await ada.start();
  const titles = ["One", "Two", "Three", "Four"];
  for (const title of titles) await todo.add(title);
  await expect(todo.messages).toContainText("The server asks for a pause. Trying again in");
  for (const title of titles) await expect(todo.row(title)).toBeVisible({ timeout: 45_000 });
  await expect(todo.unsaved).toBeHidden();
  await expect(todo.rows).toHaveCount(4);
});

test("a wrong address of Todoward is explained to the developer", async ({ visitor, start, listen }) => {
  const to = await listen((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hello</h1>"));
  const ada = await visitor({ stack: await start({ to }) });
  await ada.start();
  await expect(ada.page.getByRole("heading", { name: "Something else answers instead of Todoward" })).toBeVisible();
  await ada.page.getByText("For developers").click();
  await expect(ada.page.getByText(/Check TODOWARD_URL in the environment of the Next\.js server/)).toBeVisible();
});

test("a Todoward that trusts another sign-in server is explained to the developer", async ({ visitor, start }) => {
  const stack = await start({ todoward: { TODOWARD__AUTH__AUDIENCES: "https://elsewhere.example" } });
  const ada = await visitor({ stack, allowed: /status of 401/ });
  await ada.start();
  await expect(ada.page.getByRole("heading", { name: "Todoward does not accept your sign-in" })).toBeVisible();
  await ada.page.getByText("For developers").click();
  await expect(ada.page.getByText(/^401 /)).toBeVisible();
  await expect(ada.todo.dialog).toBeHidden();
});
