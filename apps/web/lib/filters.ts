import type { ListQuery, Task } from "todoward-client";
import { addDays } from "./dates";

export const STATUSES = { open: "Open", done: "Done", all: "All" } as const;
export const DUES = { any: "Any date", overdue: "Overdue", today: "Today", week: "Next 7 days" } as const;
export const PRIORITIES = { none: "No priority", low: "Low", medium: "Medium", high: "High" } as const;
export const SORTS = {
  due_date: "Due date",
  "-priority": "Priority",
  "-created_at": "Newest first",
  created_at: "Oldest first",
  "-updated_at": "Last changed",
  title: "Title",
} as const;

export type Priority = keyof typeof PRIORITIES;

export interface Filters {
  status: keyof typeof STATUSES;
  due: keyof typeof DUES;
  priority: Priority | "any";
  tag: string;
  q: string;
  sort: keyof typeof SORTS;
}

export const NO_FILTERS: Filters = {
  status: "open",
  due: "any",
  priority: "any",
  tag: "",
  q: "",
  sort: "due_date",
};

/** Filters as they stand in the page's address; what is not understood is left out. */
export function readFilters(search: string): Filters {
  const given = new URLSearchParams(search);
  const one = <T extends string>(name: string, allowed: object, otherwise: T): T => {
    const value = given.get(name);
    return value !== null && Object.hasOwn(allowed, value) ? (value as T) : otherwise;
  };
  return {
    status: one("status", STATUSES, NO_FILTERS.status),
    due: one("due", DUES, NO_FILTERS.due),
    priority: one<Filters["priority"]>("priority", PRIORITIES, "any"),
    tag: given.get("tag") ?? "",
    q: (given.get("q") ?? "").slice(0, 100),
    sort: one("sort", SORTS, NO_FILTERS.sort),
  };
}

export function writeFilters(filters: Filters): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== NO_FILTERS[name as keyof Filters]) given.set(name, value);
  }
  return given.size ? `?${given}` : "";
}

/** Anything set that can hide tasks, beyond open or done. */
export function isNarrowed(filters: Filters): boolean {
  const { due, priority, tag, q } = filters;
  return due !== "any" || priority !== "any" || tag !== "" || q !== "";
}

export function toQuery(filters: Filters, today: string): ListQuery {
  const query: ListQuery = { sort: filters.sort };
  if (filters.status !== "all") query.completed = filters.status === "done";
  if (filters.priority !== "any") query.priority = [filters.priority];
  if (filters.tag) query.tag = [filters.tag];
  // Of one word to ten; somebody may have typed a space alone, or a sentence.
  const words = filters.q.split(/\s+/u).filter(Boolean).slice(0, 10);
  if (words.length > 0) query.q = words.join(" ");
  const [after, before] = dueRange(filters.due, today);
  if (after) query.due_after = after;
  if (before) query.due_before = before;
  return query;
}

/** From inclusive, to exclusive. */
function dueRange(due: Filters["due"], today: string): [string?, string?] {
  if (due === "overdue") return [undefined, today];
  if (due === "today") return [today, addDays(today, 1)];
  if (due === "week") return [today, addDays(today, 7)];
  return [];
}

/** Whether the server would still list this task, for one that was just changed here. */
export function matches(task: Task, filters: Filters, today: string): boolean {
  const [after, before] = dueRange(filters.due, today);
  return (
    (filters.status === "all" || task.completed === (filters.status === "done")) &&
    (filters.priority === "any" || task.priority === filters.priority) &&
    (!filters.tag || task.tags.includes(filters.tag)) &&
    (!after || (task.due_date ?? "") >= after) &&
    (!before || (task.due_date ?? "9999-12-32") < before)
  );
}
