import { describe, expect, inject, test } from "vitest";
import { device, direct, newUser } from "./devices.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("what is written here is there at once, and on the server after it was sent", async () => {
    const user = newUser();
    const { store } = await device(url, user);
    const server = direct(url, user);
    const listing = store.lists.create({ name: " Groceries " });
    const [list] = store.lists.list();
    expect(list).toMatchObject({ name: "Groceries", version: 0 });
    expect(await listing).toEqual(list);
    const task = await store.tasks.create({ title: "Oats", list_id: list!.id, due_date: "2026-12-01" });
    void store.tasks.update(task.id, { title: "Oat flakes", tags: ["a"] });
    void store.tasks.complete(task.id);
    expect(store.tasks.get(task.id)).toMatchObject({ title: "Oat flakes", completed: true, tags: ["a"] });
    await store.sync();
    const there = await server.readTask(task.id);
    expect(there).toMatchObject({ title: "Oat flakes", completed: true, list_id: list!.id, version: 3 });
    expect(store.tasks.get(task.id)).toEqual(there);
    expect(store.lists.get(list!.id)).toEqual(await server.readList(list!.id));
    expect(store.status).toEqual({ state: "synced", pending: 0, leader: true });
  });

  test("what others write arrives", async () => {
    const user = newUser();
    const { store } = await device(url, user);
    const server = direct(url, user);
    const task = await server.createTask({ title: "t" });
    await store.sync();
    expect(store.tasks.list()).toEqual([task]);
    await server.updateTask(task.id, { title: "u" });
    const other = await server.createTask({ title: "gone" });
    await store.sync();
    expect(store.tasks.list({ sort: "title" }).map(({ title }) => title)).toEqual(["gone", "u"]);
    await server.deleteTask(task.id);
    await server.deleteTask(other.id, { permanent: true });
    await store.sync();
    expect(store.tasks.list()).toEqual([]);
    expect(store.tasks.list({ trash: true })).toMatchObject([{ id: task.id, title: "u" }]);
  });

  test("many writes without a network survive a restart, and are sent in order", async () => {
    const user = newUser();
    const phone = await device(url, user);
    await phone.store.sync();
    phone.offline = true;
    const list = await phone.store.lists.create({ name: "l" });
    for (let at = 0; at < 50; at += 1) {
      const task = await phone.store.tasks.create({ title: `${at}`, list_id: list.id });
      if (at % 5 === 0) await phone.store.tasks.complete(task.id);
      if (at % 7 === 0) await phone.store.tasks.delete(task.id);
      if (at % 14 === 0) await phone.store.tasks.restore(task.id);
    }
    const before = phone.store.tasks.list({ sort: "position" }).map(({ title, completed }) => [title, completed]);
    expect(phone.store.status.pending).toBe(1 + 50 + 10 + 8 + 4);
    await phone.restart();
    const after = () => phone.store.tasks.list({ sort: "position" }).map(({ title, completed }) => [title, completed]);
    expect(after()).toEqual(before);
    phone.offline = false;
    await phone.store.sync();
    expect(phone.store.status.pending).toBe(0);
    expect(after()).toEqual(before);
    const server = direct(url, user);
    const there = [];
    for await (const task of server.tasks({ sort: "position", limit: 200 })) there.push(task);
    expect(phone.store.tasks.list({ sort: "position" })).toEqual(there);
  });
});
