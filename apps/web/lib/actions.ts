import { type List, type ListFields, type ListMove, type ListPatch, newId, type Task, type TaskFields, type TaskMove, type TaskPatch } from "todoward-client";
import type { Store as Copy } from "todoward-client/sync";
import { descendants, type LocalRows } from "./rows.ts";
import type { Samples } from "./samples.ts";
import type { Toasts } from "./toasts.ts";
import type { Undo } from "./undo.ts";

type Ids = string | readonly string[];

interface Parts {
  rows: LocalRows;
  undo: Undo;
  toasts: Toasts;
  /** The user's today. */
  today: () => string;
  onCompleted: (ids: readonly string[]) => void;
}

/**
 * Every write of the app. Each is done at once on this device and pushes its inverse on `undo`; the message with Undo
 * comes where a user would look for one.
 */
export function makeActions({ rows, undo, toasts, today, onCompleted }: Parts) {
  const task = (id: string) => rows.get().byId.get(id);
  /** What was written here last, by task and field. */
  const own = new Map<string, unknown>();

  /** A write that the device cannot keep, for want of room or because the copy was closed. */
  function lost(error: unknown): unknown {
    if (error instanceof Error && error.name === "StoreClosed") return undefined;
    // It went away between the look and the write.
    if (error instanceof TypeError) return toasts.error("That’s gone: it was deleted on another device.");
    console.error(error);
    return toasts.error("That couldn’t be saved on this device. Check that it has free space.");
  }

  function write(run: (copy: Copy) => Promise<unknown> | Promise<unknown>[]) {
    rows.write((copy) => {
      for (const one of [run(copy)].flat()) one.catch(lost);
    });
  }

  function offer(label: string, revert: () => boolean | void, { key, quiet }: { key?: string; quiet?: boolean } = {}) {
    const id = undo.push(label, revert, key);
    if (!quiet) toasts.show(label, { action: { label: "Undo", run: () => takeBack(id) }, lasts: 8000, undoes: id });
  }

  function tookBack(id?: number) {
    const taken = undo.undo(id);
    if (taken && !taken.done) toasts.show("That can’t be undone any more: it was changed on another device.");
    return taken;
  }

  /** Takes back the last action, and says which. */
  function takeBack(id?: number) {
    const taken = tookBack(id);
    if (!taken) return toasts.show("Nothing to undo.");
    toasts.closeUndo(taken.id);
    if (taken.done) toasts.show(`Undone: ${uncapitalized(taken.label)}`);
  }

  // Tasks.

  function add(fields: TaskFields, { quiet = true }: { quiet?: boolean } = {}): string {
    const id = newId();
    write((copy) => copy.tasks.create(fields, { id }));
    offer(`Added ${quoted(fields.title)}`, () => write((copy) => known(copy, [id]).map((one) => copy.tasks.delete(one))), { quiet });
    return id;
  }

  /** Lists and tasks to look at, for who has none. */
  function addSamples({ lists, tasks }: Samples) {
    write((copy) => [
      ...lists.map(({ id, ...fields }) => copy.lists.create(fields, { id })),
      ...tasks.map(({ id, fields }) => copy.tasks.create(fields, { id })),
    ]);
    const revert = (copy: Copy) => [
      ...known(copy, tasks.map(({ id }) => id)).reverse().map((id) => copy.tasks.delete(id)),
      ...lists.filter(({ id }) => copy.lists.get(id)).map(({ id }) => copy.lists.delete(id)),
    ];
    offer("Added sample tasks", () => write(revert));
  }

  function complete(ids: Ids, done = true) {
    const before = existing(ids).filter(({ completed }) => completed !== done);
    if (before.length === 0) return;
    const chosen = new Set(before.map(({ id }) => id));
    // What is done below a completed task stays so; what was open is opened again by Undo.
    const below = done ? before.flatMap(({ id }) => descendants(rows.get(), id)).filter((one) => !one.completed && !chosen.has(one.id)) : [];
    const on = today();
    if (done) onCompleted([...chosen]);
    write((copy) => known(copy, [...chosen]).map((id) => copy.tasks.complete(id, done, done ? { subtasks: true, on } : {})));
    const all = [...before, ...below].map(({ id }) => id);
    const label = `${done ? "Completed" : "Reopened"} ${named(before)}`;
    offer(label, () => write((copy) => known(copy, done ? all : [...chosen]).map((id) => copy.tasks.complete(id, !done, done ? {} : { on }))));
  }

  /** Writes fields. `key`: what is typed on under one key is one step of undo. */
  function update(ids: Ids, patch: TaskPatch | ((task: Task) => TaskPatch), options: { label?: string; key?: string; quiet?: boolean } = {}) {
    const before = existing(ids);
    const patches = before
      .map((one) => ({ one, patch: typeof patch === "function" ? patch(one) : patch }))
      .map(({ one, patch }) => ({ one, patch: changed(one, patch) }))
      .filter(({ patch }) => Object.keys(patch).length > 0);
    if (patches.length === 0) return;
    const changes: Change[] = [];
    write((copy) => patches.flatMap(({ one: { id }, patch }) => written(copy, id, patch, (change) => changes.push(change))));
    offer(options.label ?? `Changed ${named(patches.map(({ one }) => one))}`, () => reverted(changes), {
      key: options.key,
      quiet: options.quiet ?? before.length === 1,
    });
  }

  function written(copy: Copy, id: string, patch: TaskPatch, note?: (change: Change) => void): Promise<unknown>[] {
    const before = copy.tasks.get(id);
    if (!before) return [];
    const saving = copy.tasks.update(id, patch);
    const after = copy.tasks.get(id) ?? before;
    for (const field of FIELDS) if (differs(before[field], after[field])) own.set(`${id} ${field}`, after[field]);
    note?.({ before, after });
    return [saving];
  }

  /** Takes back what is still as it was left here; what another device has written since stays. False: there is nothing. */
  function reverted(changes: readonly Change[]): boolean {
    let any = false;
    let missed = false;
    write((copy) =>
      changes.flatMap(({ before, after }) => {
        const { id } = before;
        const now = copy.tasks.get(id);
        if (!now) return [];
        const patch: Record<string, unknown> = {};
        for (const field of FIELDS) {
          if (!differs(before[field], after[field]) || !differs(now[field], before[field])) continue;
          if (field === "tags") patch[field] = tagsBack(before.tags, after.tags, now.tags);
          else if (!differs(now[field], own.get(`${id} ${field}`))) patch[field] = before[field];
          else missed = true;
        }
        // What belongs to a due date goes with it.
        const stays = differs(before.due_date, after.due_date) && differs(now.due_date, before.due_date) && !("due_date" in patch);
        if (stays || patch["due_date"] === null) for (const field of ["due_time", "time_zone", "recurrence"]) delete patch[field];
        if (Object.keys(patch).length === 0) return [];
        any = true;
        return written(copy, id, patch as TaskPatch);
      }),
    );
    return any || !missed;
  }

  /** Moves tasks, which keep their order: among siblings, under another task, to another list. */
  function move(ids: Ids, to: TaskMove, { label, quiet = true }: { label?: string; quiet?: boolean } = {}) {
    const before = roots(existing(ids));
    if (before.length === 0) return;
    const places = before.map((one) => ({ id: one.id, to: placeOf(one) }));
    const moved = new Map<string, Task | undefined>();
    write((copy) => {
      let next = to;
      return known(copy, before.map(({ id }) => id)).map((id) => {
        const moving = copy.tasks.move(id, next);
        moved.set(id, copy.tasks.get(id));
        // Those that follow stand behind it.
        const { list_id, parent_id } = to;
        next = { ...(list_id !== undefined && { list_id }), ...(parent_id !== undefined && { parent_id }), after: id };
        return moving;
      });
    });
    // In their order, so that each finds the sibling that it stood behind.
    const back = (copy: Copy) => {
      const still = places.filter(({ id }) => {
        const [then, now] = [moved.get(id), copy.tasks.get(id)];
        // Another device has put it elsewhere.
        return then && now && then.list_id === now.list_id && then.parent_id === now.parent_id;
      });
      return still.map(({ id, to }) => copy.tasks.move(id, settled(copy, to)));
    };
    offer(label ?? `Moved ${named(before)}`, () => write(back), { quiet });
  }

  /** Below the sibling above; nothing to do for the first one. */
  function indent(id: string): Task | undefined {
    const one = task(id);
    const siblings = one ? siblingsOf(one) : [];
    const above = siblings[siblings.findIndex((other) => other.id === id) - 1];
    if (!one || !above) return undefined;
    move(id, { parent_id: above.id, last: true });
    return above;
  }

  /** Out of the task above, right behind it. */
  function outdent(id: string): Task | undefined {
    const one = task(id);
    const above = one?.parent_id ? task(one.parent_id) : undefined;
    if (!one || !above) return undefined;
    move(id, { list_id: above.list_id, parent_id: above.parent_id, after: above.id });
    return above;
  }

  /** One up or down among the siblings that are shown. Whether there was room. */
  function step(id: string, by: 1 | -1): boolean {
    const one = task(id);
    const siblings = one ? siblingsOf(one).filter(({ completed }) => completed === one.completed) : [];
    const beside = siblings[siblings.findIndex((other) => other.id === id) + by];
    if (!one || !beside) return false;
    const { list_id, parent_id } = one;
    const place = by < 0 ? { before: beside.id } : { after: beside.id };
    move(id, { ...(parent_id ? { parent_id } : { list_id }), ...place });
    return true;
  }

  function remove(ids: Ids) {
    const before = roots(existing(ids));
    if (before.length === 0) return;
    const gone = before.map(({ id }) => id);
    write((copy) => known(copy, gone).map((id) => copy.tasks.delete(id)));
    offer(`Moved ${named(before)} to the trash`, () => write((copy) => inTrash(copy, gone).map((id) => copy.tasks.restore(id))));
  }

  function restore(ids: Ids) {
    const all = [ids].flat();
    const before = rows.get().trash.filter(({ id }) => all.includes(id));
    const back = before.map(({ id }) => id);
    write((copy) => inTrash(copy, back).map((id) => copy.tasks.restore(id)));
    offer(`Restored ${named(before)}`, () => write((copy) => known(copy, back).map((id) => copy.tasks.delete(id))));
  }

  /** For good: this cannot be undone, so ask first. */
  function purge(ids: Ids) {
    const all = [ids].flat();
    write((copy) => inTrash(copy, all).map((id) => copy.tasks.delete(id, { permanent: true })));
    toasts.show(all.length === 1 ? "Deleted for good." : `${all.length} tasks deleted for good.`);
  }

  function emptyTrash() {
    write((copy) => [
      ...copy.lists.list({ trash: true }).map(({ id }) => copy.lists.delete(id, { permanent: true })),
      ...copy.tasks.list({ trash: true }).map(({ id }) => copy.tasks.delete(id, { permanent: true })),
    ].map((one) => one.catch(() => undefined)));
    toasts.show("The trash is empty.");
  }

  // Lists.

  function addList(fields: ListFields): string {
    const id = newId();
    write((copy) => copy.lists.create(fields, { id }));
    offer(`Added the list ${quoted(fields.name)}`, () => write((copy) => (copy.lists.get(id) ? [copy.lists.delete(id)] : [])), { quiet: true });
    return id;
  }

  function updateList(id: string, patch: ListPatch, label?: string) {
    const before = rows.get().listById.get(id);
    if (!before) return;
    const { name, color, archived } = before;
    const values: ListPatch = { name, color, archived };
    let after: List | undefined;
    const back = (copy: Copy) => {
      const now = copy.lists.get(id);
      const still = (Object.keys(patch) as (keyof ListPatch)[]).filter((field) => now && now[field] === after?.[field]);
      return still.length ? [copy.lists.update(id, Object.fromEntries(still.map((field) => [field, values[field]])))] : [];
    };
    write((copy) => {
      const saving = copy.lists.get(id) ? [copy.lists.update(id, patch)] : [];
      after = copy.lists.get(id);
      return saving;
    });
    offer(label ?? `Changed the list ${quoted(name)}`, () => write(back), { quiet: label === undefined });
  }

  function archiveList(list: List, archived = true) {
    updateList(list.id, { archived }, `${archived ? "Archived" : "Unarchived"} ${quoted(list.name)}`);
  }

  function moveList(id: string, to: ListMove) {
    const { lists } = rows.get();
    const at = lists.findIndex((list) => list.id === id);
    const before = lists[at - 1];
    if (at < 0) return;
    write((copy) => (copy.lists.get(id) ? [copy.lists.move(id, to)] : []));
    const back: ListMove = before ? { after: before.id } : { first: true };
    offer(`Moved the list ${quoted(lists[at]!.name)}`, () => write((copy) => (copy.lists.get(id) ? [copy.lists.move(id, back)] : [])), { quiet: true });
  }

  function removeList(list: List) {
    const { id } = list;
    write((copy) => (copy.lists.get(id) ? [copy.lists.delete(id)] : []));
    offer(`Moved the list ${quoted(list.name)} to the trash`, () => write((copy) => (copy.lists.get(id) ? [] : [copy.lists.restore(id)])));
  }

  function restoreList(list: List) {
    const { id } = list;
    write((copy) => (copy.lists.get(id) ? [] : [copy.lists.restore(id)]));
    offer(`Restored the list ${quoted(list.name)}`, () => write((copy) => (copy.lists.get(id) ? [copy.lists.delete(id)] : [])));
  }

  function purgeList(list: List) {
    write((copy) => [copy.lists.delete(list.id, { permanent: true })]);
    toasts.show("Deleted for good.");
  }

  // What they have in common.

  function existing(ids: Ids): Task[] {
    return [ids].flat().flatMap((id) => task(id) ?? []);
  }

  /** Without those that come along with another one. */
  function roots(tasks: Task[]): Task[] {
    const chosen = new Set(tasks.map(({ id }) => id));
    const below = (one: Task): boolean => {
      const above = one.parent_id ? task(one.parent_id) : undefined;
      return above !== undefined && (chosen.has(above.id) || below(above));
    };
    return tasks.filter((one) => !below(one));
  }

  function siblingsOf({ list_id, parent_id }: Task): Task[] {
    if (parent_id) return [...(rows.get().children.get(parent_id) ?? [])];
    return (rows.get().children.get("none") ?? []).filter((one) => one.list_id === list_id && one.parent_id === null);
  }

  /** How a task gets back to where it is. */
  function placeOf(one: Task): TaskMove & { after?: string } {
    const siblings = siblingsOf(one);
    const before = siblings[siblings.findIndex(({ id }) => id === one.id) - 1];
    const where = { list_id: one.list_id, parent_id: one.parent_id };
    return before ? { ...where, after: before.id } : { ...where, first: true };
  }

  return {
    add, addSamples, complete, update, move, indent, outdent, step, remove, restore, purge, emptyTrash,
    addList, updateList, archiveList, moveList, removeList, restoreList, purgeList,
    undo: takeBack,
  };
}

/** A place beside a sibling that is still there; else the end. */
function settled(copy: Copy, { after, ...to }: TaskMove & { after?: string }): TaskMove {
  const parent = to.parent_id && !copy.tasks.get(to.parent_id) ? null : to.parent_id;
  const list = to.list_id && !copy.lists.get(to.list_id) ? null : to.list_id;
  const sibling = after === undefined ? undefined : copy.tasks.get(after);
  const fits = sibling && sibling.parent_id === (parent ?? null) && sibling.list_id === (list ?? null);
  const where = parent ? { parent_id: parent } : { list_id: list ?? null, parent_id: null };
  if (fits) return { ...where, after: sibling.id };
  return to.first ? { ...where, first: true } : { ...where, last: true };
}

const known = (copy: Copy, ids: readonly string[]) => ids.filter((id) => copy.tasks.get(id));

function inTrash(copy: Copy, ids: readonly string[]): string[] {
  const there = new Set(copy.tasks.list({ trash: true }).map(({ id }) => id));
  return ids.filter((id) => there.has(id));
}

/** What of a patch differs from the task. */
function changed(task: Task, patch: TaskPatch): TaskPatch {
  const isNew = ([field, value]: [string, unknown]) => value !== undefined && differs(task[field as keyof Task], value);
  return Object.fromEntries(Object.entries(patch).filter(isNew));
}

const FIELDS = ["title", "description", "priority", "due_date", "due_time", "time_zone", "recurrence", "tags"] as const satisfies (keyof Task)[];

/** A task before and after a write. */
interface Change {
  before: Task;
  after: Task;
}

const differs = (one: unknown, other: unknown) => inOrder(one) !== inOrder(other);

/** The server writes the members of an object in another order. */
function inOrder(value: unknown): string | undefined {
  return JSON.stringify(value, typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value).sort() : undefined);
}

/** Tags without those that were added, and with those that were removed; others stay as they are. */
function tagsBack(before: readonly string[], after: readonly string[], now: readonly string[]): string[] {
  const removed = before.filter((tag) => !after.includes(tag) && !now.includes(tag));
  const back = [...now.filter((tag) => before.includes(tag) || !after.includes(tag)), ...removed];
  // Where nothing else has changed, in their order, too.
  return back.length === before.length && before.every((tag) => back.includes(tag)) ? [...before] : back;
}

export function quoted(title: string): string {
  const short = title.length > 60 ? `${title.slice(0, 57).trimEnd()}…` : title;
  return `“${short}”`;
}

function named(tasks: readonly Task[]): string {
  return tasks.length === 1 ? quoted(tasks[0]!.title) : `${tasks.length} tasks`;
}

function uncapitalized(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
