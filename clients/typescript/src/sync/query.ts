import type { List, Priority, Task, TaskSort, TaskSortKey } from "../index.js";
import { byPosition } from "./position.js";

/** Which tasks, and in which order. A task must pass all filters that are there. */
export interface LocalTaskQuery {
  /** The id of a list, or `inbox`. */
  list?: string | undefined;
  /** The id of the task right above, or `none` for the top level. */
  parent?: string | undefined;
  completed?: boolean | undefined;
  priority?: Priority | undefined;
  /** Has this tag. */
  tag?: string | undefined;
  /** `true`: what is in the trash, and nothing else; default `false`. */
  trash?: boolean | undefined;
  /** Any other filter. It must give the same for the same task. */
  where?: ((task: Task) => boolean) | undefined;
  /** As `sort` of a request; default `"-created_at"`. Titles are sorted without regard to case and accents. */
  sort?: TaskSort | readonly TaskSort[] | undefined;
}

/** Which lists. They are sorted by `position`. */
export interface LocalListQuery {
  archived?: boolean | undefined;
  /** `true`: what is in the trash, and nothing else; default `false`. */
  trash?: boolean | undefined;
  /** Any other filter. It must give the same for the same list. */
  where?: ((list: List) => boolean) | undefined;
}

export function selectTasks(tasks: Task[], query: LocalTaskQuery): Task[] {
  const { list, parent, completed, priority, tag, trash = false, where, sort = "-created_at" } = query;
  const selected = tasks.filter(
    (task) =>
      trash === (task.deleted_at !== null) &&
      (list === undefined || (task.list_id ?? "inbox") === list) &&
      (parent === undefined || (task.parent_id ?? "none") === parent) &&
      (completed === undefined || task.completed === completed) &&
      (priority === undefined || task.priority === priority) &&
      (tag === undefined || task.tags.includes(tag)) &&
      (where === undefined || where(task)),
  );
  return sorted(selected, typeof sort === "string" ? [sort] : sort);
}

export function selectLists(lists: List[], { archived, trash = false, where }: LocalListQuery): List[] {
  const selected = lists.filter(
    (list) =>
      trash === (list.deleted_at !== null) &&
      (archived === undefined || list.archived === archived) &&
      (where === undefined || where(list)),
  );
  return selected.sort(byPosition);
}

const PRIORITIES: readonly Priority[] = ["none", "low", "medium", "high"];
type Key = string | number | null;

/** What a task is sorted by; null comes last in both directions. */
const KEYS: Record<TaskSortKey, (task: Task) => Key> = {
  created_at: (task) => task.created_at,
  updated_at: (task) => task.updated_at,
  completed_at: (task) => task.completed_at,
  due_date: (task) => task.due_date,
  priority: (task) => PRIORITIES.indexOf(task.priority),
  title: (task) => folded(task.title),
  position: (task) => task.position,
};

function sorted(tasks: Task[], sort: readonly TaskSort[]): Task[] {
  let descending = false;
  const orders: [key: (task: Task) => Key, descending: boolean][] = [];
  for (const one of sort) {
    descending = one.startsWith("-");
    const name = (descending ? one.slice(1) : one) as TaskSortKey;
    orders.push([KEYS[name], descending]);
    // Without a time: last in its day.
    if (name === "due_date") orders.push([(task) => task.due_time, descending]);
  }
  orders.push([(task) => task.id, descending]);
  const keyed = tasks.map((task) => ({ task, keys: orders.map(([key]) => key(task)) }));
  keyed.sort((one, other) => {
    for (const [at, [, descending]] of orders.entries()) {
      const order = compared(one.keys[at]!, other.keys[at]!, descending);
      if (order) return order;
    }
    return 0;
  });
  return keyed.map(({ task }) => task);
}

function compared(one: Key, other: Key, descending: boolean): number {
  if (one === other) return 0;
  if (one === null || other === null) return one === null ? 1 : -1;
  return one < other === descending ? 1 : -1;
}

function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{Mn}/gu, "").toUpperCase().toLowerCase().replace(/\s+/g, " ").trim();
}
