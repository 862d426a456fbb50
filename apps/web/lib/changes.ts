import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { isProblem, type Task, type TaskPage, type TaskPatch } from "todoward-client";
import type { Connection } from "./todoward";

export const LISTS = ["tasks"];
/** Tasks that were just created here. A list like the others, but no query fills it. */
export const ADDED = [...LISTS, "added"];
export const CHANGE = ["change"];

export type Pages = InfiniteData<TaskPage, unknown>;

export interface Change {
  id: string;
  patch: TaskPatch;
  /** The task as the user saw it; the change is refused if it is another by now. */
  base?: Task;
}

export const NO_PAGES: Pages = { pages: [], pageParams: [] };

/** Time for a finished task to be seen as finished before the list is asked for anew. */
const SETTLE = 1600;

/**
 * Changes of tasks that exist. While one is on its way, lists show it on top of
 * what the server said (`useTasks`); if it fails nothing has to be rolled back.
 */
export class Changes {
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** From a version to the one that a change of ours, and nothing else, made of it. */
  private readonly own = new Map<string, number>();

  constructor(
    private readonly queries: QueryClient,
    private readonly connection: Connection,
  ) {}

  /** Sends a change. Changes of one task are sent one after another. */
  async run(change: Change): Promise<Task> {
    const mutation = this.queries.getMutationCache().build(this.queries, {
      mutationKey: CHANGE,
      scope: { id: change.id },
      networkMode: "always",
      mutationFn: (given: Change) => this.send(given),
    });
    try {
      return await mutation.execute(change);
    } finally {
      this.refreshSoon();
    }
  }

  /** Deletes a task if it is still as the user saw it, but for our own changes, which are sent before. */
  async delete(task: Task): Promise<void> {
    const mutation = this.queries.getMutationCache().build(this.queries, {
      scope: { id: task.id },
      networkMode: "always",
      mutationFn: () => this.connection.client.deleteTask(task.id, { ifMatch: this.current(task) }),
    });
    try {
      await mutation.execute(undefined);
    } catch (error) {
      // Somebody else may have deleted it first.
      if (!isProblem(error, "task_not_found")) throw error;
    } finally {
      this.refreshSoon(0);
    }
    this.remove(task.id);
  }

  private async send({ id, patch, base }: Change): Promise<Task> {
    const { client } = this.connection;
    const before = this.find(id)?.version;
    const onlyCompletion = Object.keys(patch).length === 1 && patch.completed !== undefined;
    const task = onlyCompletion
      ? await client.completeTask(id, patch.completed)
      : await client.updateTask(id, patch, { ifMatch: base && this.current(base) });
    if (before !== undefined && task.version === before + 1) this.own.set(`${id} ${before}`, task.version);
    this.put(task);
    return task;
  }

  /** The version that `base` has become by nothing but our own changes. */
  private current(base: Task): number {
    let { version } = base;
    for (let next; (next = this.own.get(`${base.id} ${version}`)); ) version = next;
    return version;
  }

  /** Puts what the server answered into every list that has the task. */
  put(task: Task) {
    this.eachItem((one) => (one.id === task.id ? task : one));
  }

  /** Shows a new task, wherever it stands among the others. */
  async add(task: Task) {
    this.queries.setQueryData<Pages>(ADDED, (data) => {
      const items = [task, ...(data?.pages[0]?.items ?? [])];
      return { pages: [{ items, next_cursor: null }], pageParams: [undefined] };
    });
    await this.queries.invalidateQueries({ queryKey: LISTS });
  }

  /** New tasks that need no place of their own any more. */
  dropAdded(which: (task: Task) => boolean = () => true) {
    const items = this.queries.getQueryData<Pages>(ADDED)?.pages[0]?.items ?? [];
    const rest = items.filter((task) => !which(task));
    if (rest.length === items.length) return;
    this.queries.setQueryData<Pages>(ADDED, { pages: [{ items: rest, next_cursor: null }], pageParams: [undefined] });
  }

  private remove(id: string) {
    this.eachItem((one) => (one.id === id ? undefined : one));
  }

  refreshSoon(after = SETTLE) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const busy = this.queries.isMutating({ mutationKey: CHANGE }) > 0;
      if (busy) return this.refreshSoon();
      this.dropAdded((task) => task.completed);
      void this.queries.invalidateQueries({ queryKey: LISTS });
    }, after);
  }

  private find(id: string): Task | undefined {
    const lists = this.queries.getQueriesData<Pages>({ queryKey: LISTS });
    const items = lists.flatMap(([, data]) => data?.pages.flatMap((page) => page.items) ?? []);
    // Lists that are not shown may be old.
    return items.filter((task) => task.id === id).sort((a, b) => b.version - a.version)[0];
  }

  private eachItem(change: (task: Task) => Task | undefined) {
    this.queries.setQueriesData<Pages>({ queryKey: LISTS }, (data) =>
      data && {
        ...data,
        pages: data.pages.map((page) => ({
          ...page,
          items: page.items.flatMap((task) => change(task) ?? []),
        })),
      },
    );
  }
}
