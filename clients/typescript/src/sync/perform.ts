import type { List, ListMove, Task, TaskMove, TaskPatch } from "../index.js";
import { asStored } from "../stored.js";
import type { Overlay } from "./overlay.js";
import { between, byPosition } from "./position.js";
import type { Kind, RowOf, Values, Write } from "./types.js";

/** The fields that clients write. */
export const WRITTEN: Record<Kind, readonly string[]> = {
  task: [
    "title",
    "description",
    "completed",
    "priority",
    "due_date",
    "due_time",
    "time_zone",
    "recurrence",
    "tags",
    "list_id",
    "parent_id",
  ],
  list: ["name", "color", "archived"],
};

/**
 * Does to the rows what the server will do, as far as it can be known here: the next task of a series and `due_at`
 * come from the server. A write whose row is not there does nothing.
 */
export function perform(write: Write, rows: Overlay, owner: string): void {
  const { kind, id, at, action } = write;
  if (action.type === "create") {
    if (kind === "task") createTask(rows, write, owner);
    else createList(rows, write, owner);
    return;
  }
  const row = rows.get(kind, id);
  if (!row) return;
  if (action.type === "restore") {
    if (row.deleted_at !== null) restore(rows, kind, row);
  } else if (action.type === "delete") {
    if (action.permanent) end(rows, kind, row);
    else if (row.deleted_at === null) bury(rows, kind, row, at);
  } else if (row.deleted_at !== null) {
    return;
  } else if (kind === "list") {
    const list = row as List;
    if (action.type === "update") rows.set("list", { ...list, ...(asStored(action.patch) as Partial<List>), updated_at: at });
    if (action.type === "move") rows.set("list", { ...list, position: placed(rows.all("list"), list, action.to), updated_at: at });
  } else {
    const task = row as Task;
    if (action.type === "update") update(rows, task, action.patch as TaskPatch, at);
    if (action.type === "move") move(rows, task, action.to as TaskMove, at);
    if (action.type === "complete") {
      rows.set("task", completed(task, action.completed, at));
      if (!action.subtasks) return;
      for (const below of descendants(rows, task, alive)) {
        if (!below.completed) rows.set("task", completed(below, true, at));
      }
    }
  }
}

/** What of a row clients write. */
export function valuesOf(kind: Kind, row: object | undefined): Values {
  const all = row as Values | undefined;
  return all ? Object.fromEntries(WRITTEN[kind].map((field) => [field, all[field]])) : {};
}

function createTask(rows: Overlay, { id, at, action }: Write, owner: string): void {
  const empty: Task = {
    id,
    owner_id: owner,
    title: "",
    description: null,
    completed: false,
    completed_at: null,
    priority: "none",
    due_date: null,
    due_time: null,
    time_zone: null,
    due_at: null,
    recurrence: null,
    tags: [],
    list_id: null,
    parent_id: null,
    position: "",
    next_id: null,
    version: 0,
    created_at: timeOf(id),
    updated_at: at,
    deleted_at: null,
  };
  const fields = (action as { fields: TaskPatch }).fields;
  const task = patched(empty, fields, at);
  if (task.completed) task.completed_at = task.created_at;
  task.list_id = rows.get("task", task.parent_id ?? "")?.list_id ?? task.list_id;
  task.position = last(siblings(rows, task));
  rows.set("task", task);
}

function createList(rows: Overlay, { id, at, action }: Write, owner: string): void {
  const { name = "", color = null, archived = false } = asStored((action as { fields: object }).fields) as Partial<List>;
  const list = { id, owner_id: owner, name, color, archived, version: 0, created_at: timeOf(id), updated_at: at };
  rows.set("list", { ...list, position: last(rows.all("list")), deleted_at: null });
}

function update(rows: Overlay, task: Task, patch: TaskPatch, at: string): void {
  const { list_id, parent_id, ...fields } = patch;
  let row = patched(task, fields, at);
  rows.set("task", row);
  const to = where(rows, task, { list_id, parent_id });
  if (to.list_id === task.list_id && to.parent_id === task.parent_id) return;
  row = { ...row, ...to };
  rows.set("task", { ...row, position: last(siblings(rows, row)) });
  follow(rows, row, at);
}

/** The task as a merge patch leaves it, in its place. */
function patched(task: Task, patch: TaskPatch, at: string): Task {
  const given = Object.fromEntries(Object.entries(asStored(patch)).filter(([, value]) => value !== undefined));
  const row = { ...task, ...given, updated_at: at } as Task;
  if (patch.recurrence) row.recurrence = { from: "due", ...task.recurrence, ...patch.recurrence } as Task["recurrence"];
  if (patch.completed !== undefined && patch.completed !== task.completed) row.completed_at = patch.completed ? at : null;
  // A field that needs another one goes with it.
  if (patch.due_date === null) {
    row.due_time = patch.due_time ?? null;
    row.recurrence = patch.recurrence ? row.recurrence : null;
  }
  if (row.due_time === null) row.time_zone = patch.time_zone ?? null;
  const due = (one: Task) => `${one.due_date} ${one.due_time} ${one.time_zone}`;
  if (due(row) !== due(task)) row.due_at = null;
  return row;
}

function completed(task: Task, done: boolean, at: string): Task {
  if (task.completed === done) return task;
  return { ...task, completed: done, completed_at: done ? at : null, updated_at: at };
}

function move(rows: Overlay, task: Task, to: TaskMove, at: string): void {
  const row = { ...task, ...where(rows, task, to), updated_at: at };
  rows.set("task", { ...row, position: placed(siblings(rows, row), row, to) });
  if (row.list_id !== task.list_id) follow(rows, row, at);
}

/** The list and parent of a task that goes there: a subtask is in the list of its parent. */
function where(rows: Overlay, task: Task, { list_id, parent_id }: Pick<TaskMove, "list_id" | "parent_id">) {
  const parent = parent_id === undefined ? (list_id === undefined ? task.parent_id : null) : parent_id;
  const above = parent === null ? undefined : rows.get("task", parent);
  return { parent_id: parent, list_id: above ? above.list_id : list_id === undefined ? task.list_id : list_id };
}

/** What is below a task is in its list. */
function follow(rows: Overlay, task: Task, at: string): void {
  for (const below of descendants(rows, task, alive)) {
    if (below.list_id !== task.list_id) rows.set("task", { ...below, list_id: task.list_id, updated_at: at });
  }
}

type Place = { [Member in "before" | "after" | "first" | "last"]?: string | true | undefined };

/** The position of a row that is moved among these. */
function placed(among: (Task | List)[], row: Task | List, to: TaskMove | ListMove): string {
  const others = among.filter((one) => one.id !== row.id && alive(one)).sort(byPosition);
  const { before, after, first } = to as Place;
  const beside = others.findIndex(({ id }) => id === (before ?? after));
  const at = first ? 0 : beside < 0 ? others.length : before === undefined ? beside + 1 : beside;
  return between(others[at - 1]?.position ?? "", others[at]?.position);
}

function last(among: (Task | List)[]): string {
  const highest = among.reduce((most, { position }) => (position > most ? position : most), "");
  return between(highest, undefined);
}

function siblings(rows: Overlay, task: Task): Task[] {
  const among = (one: Task) => one.list_id === task.list_id && one.parent_id === task.parent_id && one.id !== task.id;
  return rows.all("task").filter((one) => alive(one) && among(one));
}

function descendants(rows: Overlay, task: Task, which: (one: Task) => boolean): Task[] {
  const all = rows.all("task").filter((one) => one.parent_id !== null && which(one));
  const found = new Set([task]);
  // It grows while it is walked.
  for (const above of found) {
    for (const one of all) if (one.parent_id === above.id) found.add(one);
  }
  found.delete(task);
  return [...found];
}

/** To the trash, with everything below it. */
function bury<K extends Kind>(rows: Overlay, kind: K, row: RowOf[K], at: string): void {
  rows.set(kind, { ...row, deleted_at: at, updated_at: at });
  for (const below of belonging(rows, kind, row, alive)) rows.set("task", { ...below, deleted_at: at, updated_at: at });
}

/** Gone for good, with what is below it or went to the trash with it. The rest of the trash stays, on its own. */
function end(rows: Overlay, kind: Kind, row: Task | List): void {
  rows.remove(kind, row.id);
  for (const below of belonging(rows, kind, row, (one) => one.deleted_at === row.deleted_at)) rows.remove("task", below.id);
  for (const task of belonging(rows, kind, row, () => true)) {
    const orphan = kind === "list" ? task.list_id === row.id : task.parent_id === row.id;
    if (orphan) rows.set("task", kind === "list" ? { ...task, list_id: null, parent_id: null } : { ...task, parent_id: null });
  }
}

/** Out of the trash, with what went there with it. */
function restore<K extends Kind>(rows: Overlay, kind: K, row: RowOf[K]): void {
  const with_ = belonging(rows, kind, row, (one) => one.deleted_at === row.deleted_at);
  for (const below of with_) rows.set("task", { ...below, deleted_at: null });
  if (kind === "list") return rows.set("list", { ...(row as List), deleted_at: null });
  const task = { ...(row as Task), deleted_at: null };
  const parent = rows.get("task", task.parent_id ?? "");
  const list = rows.get("list", task.list_id ?? "");
  const parent_id = parent?.deleted_at === null ? task.parent_id : null;
  rows.set("task", { ...task, parent_id, list_id: list?.deleted_at === null ? task.list_id : null });
}

function belonging(rows: Overlay, kind: Kind, row: Task | List, which: (one: Task) => boolean): Task[] {
  if (kind === "task") return descendants(rows, row as Task, which);
  return rows.all("task").filter((one) => one.list_id === row.id && which(one));
}

function alive({ deleted_at }: Task | List): boolean {
  return deleted_at === null;
}

/** When a UUIDv7 was made. */
function timeOf(id: string): string {
  return new Date(parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toISOString();
}
