import { expect, test } from "./support/test.mjs";
import { shortStory } from "./support/story.mjs";

test("the short story on two origins, by CORS", async ({ visitor, start }) => {
  const stack = await start({ direct: true });
  const ada = await visitor({ stack, behindProxy: false });
  const direct = ada.page.waitForRequest((request) => request.url().startsWith(`${stack.url}/api/v1/tasks`));
  await shortStory(ada);
  expect((await (await direct).allHeaders()).cookie).toBeUndefined();
  expect(ada.hosts).toEqual(new Set(stack.hosts));
});

test("the short story on one origin, where the browser never sees Todoward", async ({ visitor, stack }) => {
  const ada = await visitor();
  await shortStory(ada);
  expect(ada.hosts).toEqual(new Set([new URL(stack.appUrl).host]));
});

test("the short story on one origin, by a rewrite of Next.js, while it is developed", async ({ visitor, start }) => {
  test.slow();
  const stack = await start({ rewrite: true });
  // `next dev` compiles a page at its first request, which would be too slow for the story.
  for (const path of ["/sign-in", "/sign-up", "/api/auth/get-session"]) await fetch(stack.appUrl + path);
  const ada = await visitor({ stack, allowed: /status of 500/ });
  const { page, todo } = ada;
  await shortStory(ada);
  expect(ada.hosts).toEqual(new Set([new URL(stack.appUrl).host]));

  // Next.js now responds with a bare 500, which must not be taken for a wrong address.
  await stack.stopTodoward();
  await todo.add("Typed in the dark");
  await expect(page.getByText(/Can’t reach Todoward/)).toBeVisible({ timeout: 30_000 });
  await page.getByText("For developers").click();
  await expect(page.getByText(/Is Todoward running where TODOWARD_REWRITE says/)).toBeVisible();
  await stack.startTodoward();
  await expect.poll(() => ada.titles(), { timeout: 45_000 }).toContain("Typed in the dark");
});

test("a page on plain http, which is no secure context, saves tasks", async ({ visitor }) => {
  const ada = await visitor();
  // A browser treats 127.0.0.1 as secure. So what other hosts lack on plain http is removed.
  await ada.page.addInitScript(() => delete Crypto.prototype.randomUUID);
  const todo = await ada.start();
  expect(await ada.page.evaluate(() => typeof crypto.randomUUID)).toBe("undefined");
  await todo.add("Water the plants");
  await todo.shows("Water the plants");
  await expect.poll(() => ada.titles()).toEqual(["Water the plants"]);
});

test("an address that is none ends the start, and the message says what to write", async ({ start }) => {
  for (const [name, value, better] of [
    ["TODOWARD_URL", "localhost:8080", "http://localhost:8080"],
    ["NEXT_PUBLIC_TODOWARD_URL", "tasks.example.com/api", "http://tasks.example.com/api"],
    ["BETTER_AUTH_URL", "app.example.com", "http://app.example.com"],
    ["TODOWARD_URL", "tcp://127.0.0.1:8080", "an address such as http://127.0.0.1:8080"],
  ]) {
    const message = `${name} is "${value}", which is no address: write ${better}`;
    await expect(start({ app: { [name]: value } })).rejects.toThrow(message);
  }
});

test("a Todoward that does not allow the origin says which setting to mend", async ({ visitor, start }) => {
  const stack = await start({ direct: true, todoward: { TODOWARD__CORS__ALLOWED_ORIGINS: "https://elsewhere.example" } });
  const ada = await visitor({ stack, behindProxy: false, allowed: /blocked by CORS policy|net::ERR_FAILED/ });
  await ada.start();
  await expect(ada.page.getByText(/Can’t reach Todoward/)).toBeVisible({ timeout: 30_000 });
  await ada.page.getByText("For developers").click();
  await expect(ada.page.getByText(`Does its TODOWARD__CORS__ALLOWED_ORIGINS name ${stack.appUrl}?`, { exact: false })).toBeVisible();
});
