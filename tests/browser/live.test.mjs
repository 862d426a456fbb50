import { request } from "node:http";
import { expect, test } from "./support/test.mjs";

test("two tabs agree at once, whichever of them writes", async ({ visitor }) => {
  // The tab that sends is closed, perhaps before the response; then the write is repeated.
  const ada = await visitor({ allowed: /status of 412/ });
  const { todo } = await ada.start().then(() => ada);
  const other = await ada.newTab();
  await other.open();
  await todo.add("From the first tab");
  await expect(other.row("From the first tab")).toBeVisible({ timeout: 1_000 });
  await other.add("From the second tab");
  await expect(todo.row("From the second tab")).toBeVisible({ timeout: 1_000 });
  await other.check("From the first tab").click();
  await todo.shows("From the second tab");
  // One tab sends for both. When it is closed, the other one takes over.
  await ada.page.close();
  await other.add("All alone");
  await expect.poll(() => ada.titles()).toEqual(["From the first tab", "From the second tab", "All alone"]);
});

test("two devices agree within a second", async ({ visitor, chromium }) => {
  expect(chromium.isConnected()).toBe(true);
  const ada = await visitor();
  const { todo } = ada;
  await ada.start();
  const laptop = await visitor();
  await laptop.context.addCookies(await ada.context.cookies());
  await laptop.todo.open();
  await expect(async () => {
    // A task that is added before both are told of changes may not appear at once: so again until one does.
    const title = `From the phone ${Date.now()}`;
    await todo.add(title);
    await expect(laptop.todo.row(title)).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  const [title] = await laptop.todo.titles();
  await laptop.todo.check(title).click();
  await expect(todo.row(title)).toBeHidden({ timeout: 2_500 });
});

test("a stream, and a file on a slow line, outlive the time limit of requests", async ({ visitor, start }) => {
  const stack = await start({ app: { TODOWARD_TIMEOUT: "1" } });
  const ada = await visitor({ stack });
  const opened = [];
  ada.page.on("request", (request) => request.url().endsWith("/changes/stream") && opened.push(request.url()));
  await ada.start();
  await expect.poll(() => opened.length).toBe(1);
  const { token } = await ada.auth("GET", "/token");
  const headers = { authorization: `Bearer ${token}`, "content-type": "text/csv" };
  const importing = request(`${stack.appUrl}/backend/api/v1/import?dry_run=true`, { method: "POST", headers });
  const response = new Promise((done, failed) => importing.on("response", done).on("error", failed));
  importing.write("title\n");
  const begun = Date.now();
  await expect.poll(() => Date.now() - begun, { timeout: 10_000 }).toBeGreaterThan(4_000);
  importing.end("Slowly\n");
  expect((await response).statusCode).toBe(200);
  await ada.create("From elsewhere");
  await expect(ada.todo.row("From elsewhere")).toBeVisible({ timeout: 1_500 });
  expect(opened).toHaveLength(1);
});

test("a week offline: everything can be done, and all of it arrives, once", async ({ visitor }) => {
  const ada = await visitor({ allowed: /net::ERR_|status of 50/ });
  const { page, todo, context } = ada;
  await page.clock.install();
  await ada.signUp();
  const list = (await ada.api("POST", "/lists", { name: "Home" })).data;
  for (const title of ["Water the plants", "Call the bank", "Pay the rent"]) await ada.create(title);
  await todo.open("/inbox");
  await todo.shows("Water the plants", "Call the bank", "Pay the rent");
  await context.setOffline(true);
  await expect(page.getByText("You’re offline. You can keep working.")).toBeVisible();

  await todo.add("Typed on the train");
  await todo.check("Water the plants").click();
  await todo.delete("Call the bank");
  const editor = await todo.edit("Pay the rent");
  await editor.list.selectOption({ label: "Home" });
  await todo.go("Home");
  await todo.shows("Pay the rent");
  await page.clock.fastForward(7 * 86_400_000);
  await todo.go("Done");
  await todo.shows("Water the plants");
  await expect(page.getByText(/4 changes are waiting to sync/)).toBeVisible();
  expect(await ada.titles()).toEqual(["Water the plants", "Call the bank", "Pay the rent"]);

  await context.setOffline(false);
  await expect.poll(() => ada.titles(), { timeout: 30_000 }).toEqual(["Water the plants", "Pay the rent", "Typed on the train"]);
  await expect(page.getByText(/offline/)).toBeHidden();
  const places = async () => (await ada.api("GET", "/tasks?sort=created_at")).data.items.map(({ completed, list_id }) => [completed, list_id]);
  await expect.poll(places).toEqual([
    [true, null],
    [false, list.id],
    [false, null],
  ]);
});
