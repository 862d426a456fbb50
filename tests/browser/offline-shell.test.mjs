import { createServer, request as ask } from "node:http";
import { freePort } from "./support/app.mjs";
import { expect, test } from "./support/test.mjs";

// The console messages that are allowed in tests which stop servers.
const NO_NETWORK = /Failed to load resource|ERR_|net::/;

/** The paths in the caches of the service worker. */
const kept = (page) =>
  page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
    return Object.fromEntries(names.map((name, at) => [name.replace(/-.*/, ""), all[at]]));
  });

const keptText = (page) =>
  page.evaluate(async () => {
    let text = "";
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        if (new URL(request.url).pathname === "/") text += await (await cache.match(request)).text();
      }
    }
    return text;
  });

async function untilKept(page) {
  await expect.poll(async () => (await kept(page)).shell).toEqual(["/"]);
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
}

test("the app opens at any address without a network, and what is done then is sent later", async ({ start, visitor }) => {
  const stack = await start();
  const ada = await visitor({ stack, allowed: NO_NETWORK });
  const { page } = ada;
  await ada.signUp();
  const { data: list } = await ada.api("POST", "/lists", { name: "Garden" });
  await ada.create({ title: "Water the plants", list_id: list.id });
  await ada.todo.open(`/lists/${list.id}`);
  await expect(ada.todo.check("Water the plants")).toBeVisible();
  await untilKept(page);
  await stack.stopTodoward();
  await stack.stopApp();

  const response = await page.goto(`/lists/${list.id}`);
  expect(response.fromServiceWorker()).toBe(true);
  // The kept page has its policy still, and its scripts their nonce.
  expect(response.headers()["content-security-policy"]).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic'/);
  await expect(page.getByRole("heading", { name: "Garden", level: 1 })).toBeVisible();
  await expect(ada.todo.check("Water the plants")).toBeVisible();
  await ada.todo.title.fill("Mow the lawn tomorrow #outside");
  await expect(page.getByRole("list", { name: "Understood" })).toContainText("Tomorrow");
  await ada.todo.title.press("Enter");
  await expect(ada.todo.check("Mow the lawn")).toBeVisible();

  for (const path of ["/", "/inbox", "/upcoming?view=month", "/settings"]) {
    await page.goto(path);
    await expect(page.getByRole("navigation").first()).toBeVisible();
  }
  await page.goto(`/lists/${list.id}`);
  await expect(ada.todo.check("Mow the lawn")).toBeVisible();

  await stack.startApp();
  await stack.startTodoward();
  await page.reload();
  await expect.poll(() => ada.titles(), { timeout: 60_000 }).toEqual(["Water the plants", "Mow the lawn"]);
});

test("the next user of a browser never sees the one before, with or without a network", async ({ start, visitor }) => {
  const stack = await start();
  const ada = await visitor({ stack, allowed: NO_NETWORK });
  const { page } = ada;
  await ada.signUp();
  await ada.create("Ada’s secret");
  await ada.todo.open("/all");
  await expect(ada.todo.check("Ada’s secret")).toBeVisible();
  await untilKept(page);
  const page1 = await keptText(page);
  expect(page1).toContain(ada.email);
  expect(page1).not.toContain("secret");

  await ada.todo.signOut();
  expect((await kept(page)).shell).toBeUndefined();
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);

  await ada.auth("POST", "/sign-up/email", { name: "Bob", email: `bob-${ada.email}`, password: "correct horse battery" });
  await page.goto("/all");
  await expect(page.getByRole("heading", { name: "All tasks" })).toBeVisible();
  await untilKept(page);
  await expect.poll(() => keptText(page)).toContain(`bob-${ada.email}`);
  expect((await keptText(page)).replaceAll(`bob-${ada.email}`, "")).not.toContain(ada.email);
  await stack.stopApp();
  await page.goto("/all");
  await expect(page.getByRole("heading", { name: "All tasks" })).toBeVisible();
  await expect(page.getByText("Ada’s secret")).toHaveCount(0);

  await stack.startApp();
  await page.goto("/");
  await ada.todo.signOut();
  await stack.stopApp();
  await page.goto("/all");
  await expect(page.getByRole("heading", { name: "You’re offline" })).toBeVisible();
});

test("a session that another user takes over leaves no page of the first", async ({ visitor }) => {
  const ada = await visitor();
  const { page } = ada;
  await ada.start();
  await untilKept(page);
  // The session ends elsewhere, and the form signs in again.
  await ada.context.clearCookies();
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in/);
  await expect.poll(async () => (await kept(page)).shell).toBeUndefined();
});

test("only the build and one page are kept, never tasks, tokens or sign-ins", async ({ visitor }) => {
  const ada = await visitor();
  const { page } = ada;
  await ada.start();
  await ada.todo.add("Buy milk");
  await untilKept(page);
  const { shell, static: build, ...rest } = await kept(page);
  expect(rest).toEqual({});
  expect(shell).toEqual(["/"]);
  expect(build.filter((path) => !/^\/(_next\/static\/|icons?[/.]|manifest\.webmanifest$)/.test(path))).toEqual([]);
});

test("the app can be installed", async ({ visitor }) => {
  const ada = await visitor();
  await ada.start();
  const { page } = ada;
  const href = await page.locator("link[rel=manifest]").getAttribute("href");
  const manifest = await (await page.request.get(href)).json();
  expect(manifest).toMatchObject({ start_url: "/", display: "standalone", name: "Todoward" });
  for (const { src, type } of manifest.icons) {
    const response = await page.request.get(src);
    expect(response.status(), src).toBe(200);
    expect(response.headers()["content-type"]).toContain(type);
  }
  expect(manifest.icons.filter(({ purpose }) => purpose === "maskable").map(({ sizes }) => sizes)).toEqual(["192x192", "512x512"]);
  const cdp = await ada.context.newCDPSession(page);
  expect((await cdp.send("Page.getInstallabilityErrors")).installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
});

/** The app behind a proxy that can serve another service worker, as after a deployment. */
async function deployed(ending, start) {
  let change = (script) => script;
  const port = await freePort();
  const server = createServer((given, back) => {
    const { url: path, method } = given;
    const headers = { ...given.headers, "accept-encoding": "identity" };
    const sent = ask({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
      if (path !== "/sw.js") {
        back.writeHead(answer.statusCode, answer.headers);
        return answer.pipe(back);
      }
      let script = "";
      answer.setEncoding("utf8");
      answer.on("data", (text) => (script += text));
      answer.on("end", () => back.writeHead(200, { "content-type": "text/javascript", "cache-control": "no-store" }).end(change(script)));
    });
    sent.on("error", () => back.destroy());
    given.pipe(sent);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  ending.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  const stack = await start({ port, app: { BETTER_AUTH_URL: url }, todoward: { BETTER_AUTH_URL: url } });
  return { stack: { ...stack, appUrl: url, hosts: [new URL(url).host] }, deploy: (how) => (change = how) };
}

const another = (script) => script.replace(/const BUILD = "/, '$&new-');
const builds = (page) => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("static-new-")).length);

test("a new build that the page is of already replaces the old one without a word", async ({ start, ending, visitor }) => {
  const { stack, deploy } = await deployed(ending, start);
  const ada = await visitor({ stack });
  await ada.start();
  await untilKept(ada.page);
  deploy(another);
  await ada.page.reload();
  await expect.poll(() => ada.page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("shell-new-")).length)).toBe(1);
  await expect(ada.todo.messages.getByText("A new version")).toHaveCount(0);
});

test("a page of the old build says that there is a new one, and takes it when it is told", async ({ start, ending, visitor }) => {
  const { stack, deploy } = await deployed(ending, start);
  const ada = await visitor({ stack });
  await ada.start();
  await untilKept(ada.page);
  // In the new build a script is missing that the open page needs.
  deploy((script) => another(script).replace(/const ASSETS = new Set\(.*\);/, 'const ASSETS = new Set(["/icon.svg"]);'));
  await ada.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await expect(ada.todo.messages).toContainText("A new version of Todoward is ready.");
  expect(await builds(ada.page)).toBe(1);
  // Until the reload, the old build is kept as a whole.
  expect(await ada.page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("static-")).length)).toBe(2);
  await ada.todo.title.fill("Half a thought");
  await ada.todo.messages.getByRole("button", { name: "Reload" }).click();
  await ada.page.waitForEvent("load");
  await expect(ada.todo.title).toHaveValue("Half a thought");
  await expect.poll(() => ada.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).waiting === null)).toBe(true);
});
