import assert from "node:assert/strict";
import { test } from "node:test";
import type { List, Task } from "todoward-client";
import { at, NO_FILTERS } from "../lib/places.ts";
import type { Snapshot } from "../lib/rows.ts";
import { matchesWords, wordsOf } from "../lib/search.ts";
import { type Circumstances, countsOf, monthGrid, viewOf } from "../lib/views.ts";

const now: Circumstances = { today: "2026-11-30", zone: "UTC", weekStart: 1, collapsed: new Set(), lingering: new Set() };

let count = 0;
function task(title: string, some: Partial<Task> = {}): Task {
  const position = String((count += 1)).padStart(6, "0");
  return {
    id: position, title, position, owner_id: "ada", description: null, completed: false, completed_at: null, priority: "none",
    due_date: null, due_time: null, time_zone: null, due_at: null, recurrence: null, tags: [], list_id: null, parent_id: null,
    next_id: null, version: 1, created_at: `2026-01-01T00:00:${position.slice(-2)}Z`, updated_at: "2026-01-01T00:00:00Z", deleted_at: null, ...some,
  };
}

function snapshot(tasks: Task[], lists: List[] = []): Snapshot {
  const children = new Map<string, Task[]>();
  for (const one of tasks) children.set(one.parent_id ?? "none", [...(children.get(one.parent_id ?? "none") ?? []), one]);
  return {
    tasks, lists, children, trash: [], listTrash: [], complete: true, allOpen: true, open: true,
    byId: new Map(tasks.map((one) => [one.id, one])),
    listById: new Map(lists.map((one) => [one.id, one])),
  };
}

const list = (id: string, some: Partial<List> = {}): List => ({
  id, name: id, owner_id: "ada", color: null, archived: false, position: id, version: 1, created_at: "", updated_at: "", deleted_at: null, ...some,
});

const shown = (rows: Snapshot, address = at({ kind: "all" }), circumstances = now) =>
  viewOf(rows, address, circumstances).groups.map(({ title, rows }) => [title, ...rows.map(({ task, level }) => `${level} ${task.title}`)]);

test("Today has what is overdue once, then the day by its hours", () => {
  const rows = snapshot([
    task("untimed", { due_date: "2026-11-30" }),
    task("late", { due_date: "2026-11-30", due_time: "18:00" }),
    task("early", { due_date: "2026-11-30", due_time: "08:00" }),
    task("old", { due_date: "2026-11-01" }),
    task("done", { due_date: "2026-11-30", completed: true }),
    task("tomorrow", { due_date: "2026-12-01" }),
  ]);
  assert.deepEqual(shown(rows, at({ kind: "today" })), [["Overdue", "1 old"], ["Today", "1 early", "1 late", "1 untimed"]]);
});

test("a time in another zone is due on the day that it is here", () => {
  const rows = snapshot([task("call", { due_date: "2026-12-01", due_time: "05:00", time_zone: "Asia/Tokyo", due_at: "2026-11-30T20:00:00Z" })]);
  assert.deepEqual(shown(rows, at({ kind: "today" })), [[null, "1 call"]]);
  assert.deepEqual(shown(rows, at({ kind: "today" }), { ...now, zone: "Asia/Tokyo" }), []);
});

test("subtasks stand below their task, done ones too, unless they are hidden", () => {
  const above = task("above");
  const rows = snapshot([above, task("below", { parent_id: above.id }), task("done", { parent_id: above.id, completed: true }), task("beside")]);
  assert.deepEqual(shown(rows), [["Inbox", "1 above", "2 below", "2 done", "1 beside"]]);
  assert.deepEqual(shown(rows, at({ kind: "all" }), { ...now, collapsed: new Set([above.id]) }), [["Inbox", "1 above", "1 beside"]]);
});

test("tasks of archived lists are in their list and in searches, and nowhere else", () => {
  const rows = snapshot([task("hidden", { list_id: "old", due_date: "2026-11-30" })], [list("old", { archived: true })]);
  assert.deepEqual(shown(rows), []);
  assert.deepEqual(shown(rows, at({ kind: "today" })), []);
  assert.deepEqual(shown(rows, at({ kind: "list", id: "old" })), [[null, "1 hidden"]]);
  assert.deepEqual(shown(rows, { ...at({ kind: "all" }), filters: { ...NO_FILTERS, q: "hid" } }), [[null, "1 hidden"]]);
  assert.equal(countsOf(rows, now).today, 0);
});

test("what was completed a moment ago is still where it was", () => {
  const done = task("done", { completed: true });
  const rows = snapshot([done]);
  assert.deepEqual(shown(rows, at({ kind: "all" }), { ...now, lingering: new Set([done.id]) }), [["Inbox", "1 done"]]);
});

test("Upcoming is a week of days, the empty ones too", () => {
  const rows = snapshot([task("in six days", { due_date: "2026-12-06" }), task("in seven days", { due_date: "2026-12-07" })]);
  const groups = shown(rows, at({ kind: "upcoming" }));
  assert.equal(groups.length, 7);
  assert.deepEqual(groups.at(-1), ["Sunday 6 December", "1 in six days"]);
  const next = shown(rows, { ...at({ kind: "upcoming" }), from: "2026-12-07" });
  assert.deepEqual(next[0], ["Monday 7 December", "1 in seven days"]);
});

test("words are found in any order, without regard to case and accents, in tags and notes, too", () => {
  const one = task("Café in Zürich", { description: "by the Station", tags: ["travel"] });
  for (const q of ["zurich CAFE", "station #travel", "", "  é "]) assert.ok(matchesWords(one, wordsOf(q)), q);
  assert.ok(matchesWords(one, wordsOf("cafe holiday"), "Holidays"));
  assert.ok(!matchesWords(one, wordsOf("cafe bern")));
});

test("a month is whole weeks that begin as the user wants", () => {
  const weeks = monthGrid("2026-11-01", 1);
  assert.deepEqual([weeks[0]?.[0], weeks.at(-1)?.at(-1)], ["2026-10-26", "2026-12-06"]);
  assert.equal(monthGrid("2026-11-01", 0)[0]?.[0], "2026-11-01");
  assert.ok(weeks.every((week) => week.length === 7));
});
