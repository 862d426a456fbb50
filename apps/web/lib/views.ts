import type { List, Task } from "todoward-client";
import { addDays, dayIn, daysBetween, dueIn, longDay, weekOf } from "./dates.ts";
import { type Address, isNarrowed, type Sort } from "./places.ts";
import type { Arranged } from "./rows.ts";
import { folded, matchesWords, wordsOf } from "./search.ts";

/** One line of a list of tasks. */
export interface Row {
  task: Task;
  /** 1 is the top. */
  level: number;
  /** How many subtasks it has, and how many of them are done. */
  subtasks: number;
  done: number;
  collapsed: boolean;
  /** Whether its subtasks stand below it here, or would. */
  nested: boolean;
  /** The title of the task above, where that is not the row above. */
  above: string | undefined;
}

export interface Group {
  key: string;
  /** null: it needs no heading. */
  title: string | null;
  overdue?: boolean;
  /** Of Upcoming: the day that a task gets that is added here. */
  day?: string;
  rows: Row[];
}

export interface View {
  groups: Group[];
  /** How many tasks the place has, not how many of them are drawn. */
  count: number;
  overdue: number;
  /** Whether the order is the user's own, so that rows can be moved. */
  manual: boolean;
  /** Whether the rows are all of one list, whose name then says nothing. */
  oneList: boolean;
}

export interface Circumstances {
  today: string;
  zone: string;
  weekStart: number;
  collapsed: ReadonlySet<string>;
  /** Completed a moment ago: they are still shown. */
  lingering: ReadonlySet<string>;
}

/** What a place shows. */
export function viewOf(snapshot: Arranged, address: Address, now: Circumstances): View {
  const { place, filters } = address;
  const sort: Sort = filters.sort ?? "manual";
  const isOpen = (task: Task) => !task.completed || now.lingering.has(task.id);
  const archived = new Set(snapshot.lists.filter((list) => list.archived).map(({ id }) => id));
  const current = (task: Task) => isOpen(task) && !archived.has(task.list_id ?? "");
  const passes = filter(snapshot, address, now);
  const flat = (tasks: Task[]): Row[] => tasks.map((task) => rowOf(snapshot, task, now, 1, true));
  const narrowed = isNarrowed(filters);

  switch (place.kind) {
    case "today": {
      const due = snapshot.tasks.filter((task) => current(task) && passes(task) && dayOf(task, now) !== null && dayOf(task, now)! <= now.today);
      const tasks = sorted(due, filters.sort ?? "due_date", now);
      const overdue = tasks.filter((task) => dayOf(task, now)! < now.today);
      const rest = tasks.filter((task) => dayOf(task, now) === now.today);
      const groups: Group[] = [
        { key: "overdue", title: "Overdue", overdue: true, rows: flat(overdue) },
        { key: "today", title: overdue.length ? "Today" : null, rows: flat(rest) },
      ];
      return view(groups.filter(({ rows }) => rows.length), { overdue: overdue.filter((task) => !task.completed).length });
    }
    case "upcoming":
      return upcoming();
    case "done": {
      const done = snapshot.tasks.filter((task) => task.completed && passes(task));
      done.sort((a, b) => (b.completed_at ?? "").localeCompare(a.completed_at ?? "") || (a.id < b.id ? 1 : -1));
      return view(byDay(done, flat, now));
    }
    case "trash":
      return view([{ key: "trash", title: null, rows: flat(snapshot.trash.filter(passes)) }]);
    case "all": {
      // The words are looked for everywhere: in what is done and in archived lists, too.
      const found = filters.q.trim() ? snapshot.tasks.filter(passes) : snapshot.tasks.filter((task) => current(task) && passes(task));
      if (narrowed || sort !== "manual") {
        const open = sorted(found.filter(isOpen), filters.sort ?? "due_date", now);
        const done = sorted(found.filter((task) => !isOpen(task)), "-created_at", now);
        const groups = [
          { key: "open", title: done.length ? "Open" : null, rows: flat(open) },
          { key: "done", title: "Done", rows: flat(done) },
        ];
        return view(groups.filter(({ rows }) => rows.length));
      }
      const lists: (List | null)[] = [null, ...snapshot.lists.filter((list) => !list.archived)];
      const groups = lists.map((list) => ({ key: list?.id ?? "inbox", title: list?.name ?? "Inbox", rows: tree(list?.id ?? null) }));
      return { ...view(groups.filter(({ rows }) => rows.length), { manual: true }), count: found.filter((task) => !task.completed).length };
    }
    case "inbox":
    case "list": {
      const id = place.kind === "list" ? place.id : null;
      const tasks = snapshot.tasks.filter((task) => task.list_id === id && isOpen(task) && passes(task));
      const count = tasks.filter((task) => !task.completed).length;
      if (narrowed || sort !== "manual") {
        const rows = flat(sorted(tasks, filters.sort ?? "due_date", now));
        return { ...view([{ key: "tasks", title: null, rows }].filter(({ rows }) => rows.length)), count, oneList: true };
      }
      const groups = [{ key: id ?? "inbox", title: null, rows: tree(id) }].filter(({ rows }) => rows.length);
      return { ...view(groups, { manual: true }), count, oneList: true };
    }
    default:
      return view([]);
  }

  /** The open tasks of a list, each above its subtasks; of these the done ones, too. */
  function tree(list: string | null): Row[] {
    const rows: Row[] = [];
    const walk = (task: Task, level: number) => {
      const row = rowOf(snapshot, task, now, level, false);
      rows.push(row);
      if (!row.collapsed) for (const below of snapshot.children.get(task.id) ?? []) walk(below, level + 1);
    };
    for (const task of snapshot.children.get("none") ?? []) if (task.list_id === list && isOpen(task)) walk(task, 1);
    return rows;
  }

  function upcoming(): View {
    const tasks = snapshot.tasks.filter((task) => current(task) && passes(task) && task.due_date !== null);
    const byDue = sorted(tasks, "due_date", now);
    const first = address.from ?? now.today;
    const days = Array.from({ length: 7 }, (_, at) => addDays(first, at));
    const groups: Group[] = days.map((day) => ({
      key: day,
      day,
      title: dayTitle(day, now.today),
      rows: flat(byDue.filter((task) => dayOf(task, now) === day)),
    }));
    const overdue = address.from ? [] : byDue.filter((task) => dayOf(task, now)! < now.today);
    if (overdue.length) groups.unshift({ key: "overdue", title: "Overdue", overdue: true, rows: flat(overdue) });
    return view(groups, { overdue: overdue.filter((task) => !task.completed).length });
  }
}

function view(groups: Group[], { overdue = 0, manual = false } = {}): View {
  const count = groups.reduce((sum, { rows }) => sum + rows.filter(({ level }) => level === 1).length, 0);
  return { groups, count, overdue, manual, oneList: false };
}

function filter(snapshot: Arranged, { filters }: Address, now: Circumstances): (task: Task) => boolean {
  const words = wordsOf(filters.q);
  const { tag, priority, due } = filters;
  const folded_ = folded(tag);
  return (task) =>
    (priority === "any" || task.priority === priority) &&
    (!tag || task.tags.some((one) => folded(one) === folded_)) &&
    (due === "any" || matchesDue(dayOf(task, now), due, now.today)) &&
    matchesWords(task, words, snapshot.listById.get(task.list_id ?? "")?.name);
}

function matchesDue(day: string | null, due: string, today: string): boolean {
  if (day === null) return due === "none";
  const days = daysBetween(today, day);
  if (due === "overdue") return days < 0;
  if (due === "today") return days === 0;
  return due === "week" && days >= 0 && days < 7;
}

function dayOf(task: Task, { zone }: Circumstances): string | null {
  return dueIn(task, zone)?.day ?? null;
}

function rowOf(snapshot: Arranged, task: Task, now: Circumstances, level: number, flat: boolean): Row {
  const children = snapshot.children.get(task.id) ?? [];
  return {
    task,
    level,
    subtasks: children.length,
    done: children.filter((one) => one.completed).length,
    collapsed: flat || now.collapsed.has(task.id),
    nested: !flat,
    above: flat && task.parent_id ? snapshot.byId.get(task.parent_id)?.title : undefined,
  };
}

const RANK = { none: 0, low: 1, medium: 2, high: 3 };

export function sorted(tasks: readonly Task[], sort: Sort, now: Pick<Circumstances, "zone">): Task[] {
  const text = (task: Task) => {
    const due = dueIn(task, now.zone);
    return due ? `${due.day} ${due.time ?? "99"}` : "9999-99";
  };
  const byDue = (a: Task, b: Task) => compared(text(a), text(b)) || RANK[b.priority] - RANK[a.priority];
  const orders: Record<Sort, (a: Task, b: Task) => number> = {
    manual: () => 0,
    due_date: byDue,
    "-priority": (a, b) => RANK[b.priority] - RANK[a.priority] || byDue(a, b),
    "-created_at": (a, b) => compared(b.created_at, a.created_at),
    created_at: (a, b) => compared(a.created_at, b.created_at),
    title: (a, b) => a.title.localeCompare(b.title),
  };
  return [...tasks].sort((a, b) => orders[sort](a, b) || compared(a.position, b.position) || compared(a.id, b.id));
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Done tasks under the days on which they were completed. */
function byDay(done: Task[], flat: (tasks: Task[]) => Row[], now: Circumstances): Group[] {
  const days = new Map<string, Task[]>();
  for (const task of done) {
    const day = dayIn(task.completed_at ?? task.updated_at, now.zone);
    const same = days.get(day);
    if (same) same.push(task);
    else days.set(day, [task]);
  }
  return [...days].map(([day, tasks]) => ({ key: day, title: dayTitle(day, now.today), rows: flat(tasks) }));
}

function dayTitle(day: string, today: string): string {
  const days = daysBetween(today, day);
  if (days === 0) return `Today · ${longDay(day)}`;
  if (days === 1) return `Tomorrow · ${longDay(day)}`;
  if (days === -1) return `Yesterday · ${longDay(day)}`;
  return day.slice(0, 4) === today.slice(0, 4) ? longDay(day) : `${longDay(day)} ${day.slice(0, 4)}`;
}

/** The weeks of a calendar page, each with its seven days. */
export function monthGrid(month: string, weekStart: number): string[][] {
  const first = weekOf(month, weekStart);
  const weeks = Array.from({ length: 6 }, (_, week) => Array.from({ length: 7 }, (_, day) => addDays(first, week * 7 + day)));
  return weeks.filter((week) => week.some((day) => day.startsWith(month.slice(0, 7))));
}

export interface Counts {
  inbox: number;
  today: number;
  overdue: number;
  trash: number;
  byList: ReadonlyMap<string, number>;
}

/** What the sidebar says of each place: what is open there. */
export function countsOf(snapshot: Arranged, now: Pick<Circumstances, "today" | "zone">): Counts {
  const byList = new Map<string, number>();
  const archived = new Set(snapshot.lists.filter((list) => list.archived).map(({ id }) => id));
  const counts = { inbox: 0, today: 0, overdue: 0 };
  for (const task of snapshot.tasks) {
    if (task.completed) continue;
    if (task.list_id === null) counts.inbox += 1;
    else byList.set(task.list_id, (byList.get(task.list_id) ?? 0) + 1);
    const day = task.due_date === null || archived.has(task.list_id ?? "") ? null : (dueIn(task, now.zone)?.day ?? null);
    if (day !== null && day <= now.today) counts.today += 1;
    if (day !== null && day < now.today) counts.overdue += 1;
  }
  return { ...counts, byList, trash: snapshot.trash.length + snapshot.listTrash.length };
}


