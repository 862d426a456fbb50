import type { Page as Tab } from "playwright-core";
import { expect, inject, test, vi } from "vitest";
import { browser, originOf } from "./browser/chromium.js";
import type { Page } from "./browser/page.js";
import { device, direct, newUser } from "./devices.js";

vi.setConfig({ testTimeout: 120_000 });

const { sqlite } = inject("servers");

declare const page: Page;

/** A tab that has the user's store open. */
async function tab(chromium: Awaited<ReturnType<typeof browser>>, url: string, user: string): Promise<Tab> {
  const made = await chromium.context().newPage();
  await made.goto(url);
  await made.waitForFunction(() => "page" in globalThis);
  await made.evaluate((user) => page.open(user), user);
  return made;
}

const titles = (tab: Tab) => tab.evaluate(() => page.store.tasks.list({ sort: "title" }).map(({ title }) => title));
const status = (tab: Tab) => tab.evaluate(() => page.store.status);
const create = (tab: Tab, title: string) => tab.evaluate((title) => page.store.tasks.create({ title }), title);
const sync = (tab: Tab) => tab.evaluate(() => page.store.sync());
const sent = (tabs: Awaited<ReturnType<typeof originOf>>) =>
  tabs.requests.filter(({ method }) => method !== "GET").map(({ path }) => path);

test("one tab leads, all tabs show the same, and a write of any tab is sent once", async () => {
  const user = newUser();
  const origin = await originOf(sqlite);
  const chromium = await browser();
  const [one, two, three] = [
    await tab(chromium, origin.url, user),
    await tab(chromium, origin.url, user),
    await tab(chromium, origin.url, user),
  ];
  await expect.poll(async () => (await status(one)).leader).toBe(true);
  const [a, b] = await Promise.all([create(two, "a"), create(three, "b"), create(one, "c")]);
  await two.evaluate((id) => page.store.tasks.complete(id), b.id);
  await sync(two);
  for (const tab of [one, two, three]) {
    await expect.poll(() => titles(tab)).toEqual(["a", "b", "c"]);
    await expect.poll(() => status(tab)).toMatchObject({ state: "synced", pending: 0, leader: tab === one });
  }
  expect(sent(origin)).toHaveLength(4);
  expect(origin.requests.filter(({ path }) => path.endsWith("/stream"))).toHaveLength(1);
  // What another device does, arrives in every tab.
  await direct(sqlite, user).updateTask(a.id, { title: "z" });
  for (const tab of [one, two, three]) await expect.poll(() => titles(tab)).toEqual(["b", "c", "z"]);
});

test("when the tab that leads is closed, or crashes, another one sends what is queued", async () => {
  const user = newUser();
  const origin = await originOf(sqlite);
  const chromium = await browser();
  const tabs = [await tab(chromium, origin.url, user)];
  await sync(tabs[0]!);
  tabs.push(await tab(chromium, origin.url, user), await tab(chromium, origin.url, user));
  for (const end of [(leader: Tab) => leader.close(), (leader: Tab) => leader.goto("chrome://crash").catch(() => {})]) {
    const [leader, ...followers] = tabs;
    origin.passes = ({ method }) => method === "GET";
    await create(leader!, "of the leader");
    await create(followers[0]!, "of a follower");
    await expect.poll(async () => (await status(followers[0]!)).state).toBe("offline");
    await end(leader!);
    tabs.shift();
    origin.passes = () => true;
    await sync(followers[0]!);
    const statuses = await Promise.all(followers.map(status));
    expect(statuses.filter(({ leader }) => leader)).toHaveLength(1);
    tabs.sort((first, second) => Number(statuses[followers.indexOf(second)]!.leader) - Number(statuses[followers.indexOf(first)]!.leader));
  }
  const { items } = await direct(sqlite, user).listTasks({ sort: "title" });
  expect(items.map(({ title }) => title)).toEqual(["of a follower", "of a follower", "of the leader", "of the leader"]);
  await expect.poll(() => titles(tabs[0]!)).toEqual(items.map(({ title }) => title));
});

test("a page that is reloaded, and a browser that starts anew, has its rows and its queue without a network", async () => {
  const user = newUser();
  const origin = await originOf(sqlite);
  const chromium = await browser();
  let one = await tab(chromium, origin.url, user);
  await create(one, "sent");
  await sync(one);
  origin.passes = () => false;
  for (let at = 0; at < 20; at += 1) await create(one, `queued ${String(at).padStart(2, "0")}`);
  const there = await titles(one);
  await one.reload();
  await one.waitForFunction(() => "page" in globalThis);
  await one.evaluate((user) => page.open(user), user);
  expect(await titles(one)).toEqual(there);
  await create(one, "queued after the reload");
  await chromium.restart();
  one = await tab(chromium, origin.url, user);
  expect(await titles(one)).toEqual([...there, "queued after the reload"].sort());
  expect((await status(one)).pending).toBe(21);
  origin.passes = () => true;
  await sync(one);
  expect((await status(one)).pending).toBe(0);
  const { items } = await direct(sqlite, user).listTasks({ sort: "title", limit: 200 });
  expect(items.map(({ title }) => title)).toEqual(await titles(one));
});

test("when the network is back, the queue is sent without anybody asking", async () => {
  const user = newUser();
  const origin = await originOf(sqlite);
  const chromium = await browser();
  const one = await tab(chromium, origin.url, user);
  await sync(one);
  await chromium.context().setOffline(true);
  await create(one, "made offline");
  await expect.poll(() => status(one)).toMatchObject({ state: "offline", pending: 1 });
  const other = await device(sqlite, user);
  await other.store.tasks.create({ title: "made elsewhere" });
  await other.store.sync();
  await chromium.context().setOffline(false);
  await expect.poll(() => titles(one)).toEqual(["made elsewhere", "made offline"]);
  await expect.poll(() => other.store.tasks.list({ sort: "title" }).map(({ title }) => title)).toEqual(await titles(one));
});

test("sign-out in one tab leaves nothing in any, and the next user sees and sends nothing of it", async () => {
  const [alice, bob] = [newUser(), newUser()];
  const origin = await originOf(sqlite);
  const chromium = await browser();
  const [one, two] = [await tab(chromium, origin.url, alice), await tab(chromium, origin.url, alice)];
  await create(one, "sent");
  await sync(one);
  origin.passes = ({ method }) => method === "GET";
  await create(two, "not sent");
  await expect.poll(() => titles(one)).toEqual(["not sent", "sent"]);
  await two.evaluate(() => page.store.wipe());
  for (const tab of [one, two]) {
    await expect.poll(() => status(tab)).toMatchObject({ state: "closed", pending: 0 });
    expect(await titles(tab)).toEqual([]);
    const refused = await tab.evaluate(() => page.store.tasks.create({ title: "late" }).catch((error: Error) => error.name));
    expect(refused).toBe("StoreClosed");
  }
  expect(await one.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
  origin.passes = () => true;
  const before = origin.requests.length;
  await one.evaluate((user) => page.open(user), bob);
  await create(one, "of bob");
  await sync(one);
  expect(await titles(one)).toEqual(["of bob"]);
  expect(origin.requests.slice(before).every(({ user }) => user === bob)).toBe(true);
  expect((await direct(sqlite, alice).listTasks()).items.map(({ title }) => title)).toEqual(["sent"]);
  // The first user signs in again, in a page that had been signed out.
  await two.evaluate((user) => page.open(user), alice);
  await sync(two);
  expect(await titles(two)).toEqual(["sent"]);
});
