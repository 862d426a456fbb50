import { describe, expect, inject, test } from "vitest";
import { isProblem } from "../src/index.js";
import { clientOf, rejection } from "./support.js";

describe.each(Object.entries(inject("servers")))("on %s", (_engine, url) => {
  test("what is exported is imported by another user, and twice is once", async () => {
    const [alice, bob] = [clientOf(url), clientOf(url)];
    const list = await alice.createList({ name: "Groceries" });
    const task = await alice.createTask({ title: "\u00c4pfel", list_id: list.id });
    const file = await (await alice.exportTasks()).blob();
    expect(await bob.importTasks(file, { dryRun: true })).toMatchObject({ dry_run: true, created: { tasks: 1, lists: 1 } });
    expect(await bob.importTasks(file)).toEqual({
      dry_run: false,
      created: { tasks: 1, lists: 1 },
      existing: { tasks: 0, lists: 0 },
      dropped: [],
      dropped_total: 0,
    });
    expect(await bob.importTasks(file)).toMatchObject({ created: { tasks: 0 }, existing: { tasks: 1, lists: 1 } });
    expect(await bob.readTask(task.id)).toMatchObject({ title: "\u00c4pfel", list_id: list.id });
  });

  test("an export is read as it comes, in the format that is asked for", async () => {
    const todoward = clientOf(url);
    await todoward.importTasks("Buy milk\nPay rent\n", { format: "todotxt" });
    const response = await todoward.exportTasks("csv");
    const decoder = new TextDecoder();
    let text = "";
    const reader = response.body!.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      text += decoder.decode(piece.value, { stream: true });
    }
    expect(text).toContain("Buy milk");
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="todoward-.*\.csv"$/);
  });

  test("a file that cannot be read is refused with its line", async () => {
    const error = await rejection(clientOf(url).importTasks('{"task":{"title":"a"}}\n{}\n', { format: "ndjson" }));
    expect(isProblem(error, "invalid_import") && error.line).toBe(2);
    const unknown = await rejection(clientOf(url).importTasks("a"));
    expect(isProblem(unknown, "unsupported_media_type")).toBe(true);
  });
});
