import { expect, test } from "./support/test.mjs";

test("a token is pasted into the API page, and a call made there is answered", async ({ visitor, stack }) => {
  const host = new URL(stack.url).host;
  const ada = await visitor({ stack: { ...stack, hosts: [...stack.hosts, host] } });
  const { page } = ada;
  await ada.signUp();
  await ada.create("Water the plants");
  const { token } = await ada.auth("GET", "/token");

  await page.goto(`${stack.url}/docs`);
  const operation = page.locator("[id$=-listTasks]");
  await expect(operation).toBeVisible();
  // The page's own field, which stands in for Swagger UI's dialog.
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.getByRole("status")).toContainText("Sent with every call: a token of");
  await expect(page.getByLabel("Token")).toHaveValue("");

  await operation.getByRole("button", { name: "List tasks" }).click();
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === "/api/v1/tasks");
  await operation.getByRole("button", { name: "Execute" }).click();
  expect((await answered).status()).toBe(200);
  const answer = operation.locator(".live-responses-table");
  await expect(answer.locator("tbody .response-col_status")).toHaveText(/^200/);
  await expect(answer).toContainText("Water the plants");
});
