import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "todoward-client";
import { asBefore, type Rows } from "../lib/rows.ts";

function task(id: string, some: Partial<Task> = {}): Task {
  return {
    id, title: id, position: id, owner_id: "ada", description: null, completed: false, completed_at: null, priority: "none",
    due_date: null, due_time: null, time_zone: null, due_at: null, recurrence: null, tags: ["home"], list_id: null, parent_id: null,
    next_id: null, version: 1, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z", deleted_at: null, ...some,
  };
}

const rows = (...tasks: Task[]): Rows => ({ tasks, lists: [], trash: [], listTrash: [] });

test("a copy that opens with the rows that the page came with changes nothing", () => {
  const before = rows(task("a"), task("b"));
  assert.equal(asBefore(rows(task("a"), task("b")), before), before);
});

test("of rows of which one has changed, the others stay the same objects", () => {
  const before = rows(task("a"), task("b"), task("c"));
  const now = asBefore(rows(task("a"), task("b", { tags: ["home", "new"] }), task("c")), before);
  assert.notEqual(now, before);
  assert.deepEqual(now.tasks.map((one, at) => one === before.tasks[at]), [true, false, true]);
  assert.deepEqual(now.tasks[1]?.tags, ["home", "new"]);
  assert.equal(now.lists, before.lists);
});

test("a row that has gone, or has another place, is noticed", () => {
  const before = rows(task("a"), task("b"));
  assert.deepEqual(asBefore(rows(task("b")), before).tasks, [before.tasks[1]]);
  assert.deepEqual(asBefore(rows(task("b"), task("a")), before).tasks, [before.tasks[1], before.tasks[0]]);
});
