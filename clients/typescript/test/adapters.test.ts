import { createCollection } from "@tanstack/db";
import { createRxDatabase, type RxJsonSchema } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { expect, inject, onTestFinished, test } from "vitest";
import { replicateTasks } from "../examples/rxdb.js";
import { todowardTasks } from "../examples/tanstack-db.js";
import { newId, type Task } from "../src/index.js";
import { direct, newUser, selectiveProxy } from "./devices.js";
import { refuses, rejection } from "./support.js";

const { sqlite } = inject("servers");

/** A task as an app makes it: the server writes the rest. */
const made = (title: string) => ({ id: newId(), title }) as Task;

test("TanStack DB: a collection follows the server, and the server follows it", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  const there = await server.createTask({ title: "a" });
  const tasks = createCollection(todowardTasks(direct(sqlite, user)));
  onTestFinished(() => tasks.cleanup());
  await tasks.preload();
  const titles = () => [...tasks.values()].map(({ title }) => title).sort();
  expect(titles()).toEqual(["a"]);

  const own = made("b");
  const inserted = tasks.insert(own);
  expect(titles()).toEqual(["a", "b"]);
  await inserted.isPersisted.promise;
  expect(tasks.get(own.id)).toMatchObject({ title: "b", version: 1, owner_id: user });
  await tasks.update(own.id, (draft) => void (draft.title = "c")).isPersisted.promise;
  expect(await server.readTask(own.id)).toMatchObject({ title: "c", version: 2 });
  await tasks.delete(there.id).isPersisted.promise;
  expect(titles()).toEqual(["c"]);

  await server.updateTask(own.id, { title: "d" });
  await server.createTask({ title: "e" });
  await expect.poll(titles).toEqual(["d", "e"]);
  await server.deleteTask(own.id, { permanent: true });
  await expect.poll(titles).toEqual(["e"]);
  await rejection(tasks.insert(made(" ")).isPersisted.promise);
  expect(titles()).toEqual(["e"]);
});

test("TanStack DB: a collection that cannot go on from its cursor starts again", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  const there = await server.createTask({ title: "a" });
  let reset = false;
  const proxy = await selectiveProxy(sqlite, ({ path }) => {
    if (!reset || !path.includes("/changes?since=")) return undefined;
    reset = false;
    return refuses(410, "sync_reset");
  });
  const tasks = createCollection(todowardTasks(direct(proxy.url, user)));
  onTestFinished(() => tasks.cleanup());
  await tasks.preload();
  reset = true;
  await server.createTask({ title: "b" });
  await expect.poll(() => [...tasks.values()].map(({ title }) => title).sort()).toEqual(["a", "b"]);
  expect(reset).toBe(false);
  await server.deleteTask(there.id);
  await expect.poll(() => [...tasks.values()].map(({ title }) => title)).toEqual(["b"]);
});

const SCHEMA = {
  version: 0,
  primaryKey: "id",
  type: "object",
  // An app names all fields that it reads.
  properties: { id: { type: "string", maxLength: 36 }, title: { type: "string" } },
  required: ["id", "title"],
} as unknown as RxJsonSchema<Task>;

test("RxDB: a collection follows the server, and the server follows it", async () => {
  const user = newUser();
  const server = direct(sqlite, user);
  for (const title of ["a", "b", "c"]) await server.createTask({ title });
  const { id } = (await server.listTasks({ sort: "title" })).items[0]!;
  const database = await createRxDatabase({ name: user, storage: getRxStorageMemory(), multiInstance: false });
  onTestFinished(() => void database.close());
  const { tasks } = await database.addCollections({ tasks: { schema: SCHEMA } });
  const replication = replicateTasks(tasks, direct(sqlite, user));
  const errors: unknown[] = [];
  replication.error$.subscribe((error) => errors.push(error));
  await replication.awaitInitialReplication();
  const titles = async () => (await tasks.find().exec()).map(({ title }: Task) => title).sort();
  expect(await titles()).toEqual(["a", "b", "c"]);

  const own = made("d");
  await tasks.insert(own);
  const document = await tasks.findOne(id).exec();
  await document.incrementalPatch({ title: "z" });
  await (await tasks.findOne({ selector: { title: "b" } }).exec()).remove();
  await replication.awaitInSync();
  const there = async () => (await server.listTasks({ sort: "title" })).items.map(({ title }) => title);
  expect(await there()).toEqual(["c", "d", "z"]);

  await server.updateTask(own.id, { title: "e" });
  await server.createTask({ title: "f" });
  await expect.poll(titles).toEqual(["c", "e", "f", "z"]);
  await server.deleteTask(own.id, { permanent: true });
  await expect.poll(titles).toEqual(["c", "f", "z"]);
  // The version that the server gave arrives, too.
  await expect.poll(async () => (await tasks.findOne(id).exec()).toJSON().version).toBe(2);
  expect(errors).toEqual([]);
  await replication.cancel();
});
