import { isProblem, type Task } from "todoward-client";
import type { Changes } from "./changes";
import { inOneLine, isOutcomeUnknown } from "./messages";
import type { UserStorage } from "./storage";
import { Store } from "./store";
import type { Connection } from "./todoward";
import type { Toasts } from "./toasts";

const TIME_TO_UNDO = 7000;

interface Deletion {
  task: Task;
  toast?: number;
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * Deleted tasks that can still be brought back. A task is hidden at once and
 * deleted when the time to undo is over, or when the page goes: so undo is
 * nothing but not deleting, and keeps id, dates and history. The deletion says
 * which version the user saw; a task that was changed meanwhile stays.
 *
 * What is hidden also stands in the tab's storage until the server has
 * answered, so a page that dies in between finishes its work after a reload.
 */
export class Deletions extends Store<ReadonlyMap<string, Deletion>> {
  constructor(
    private readonly connection: Connection,
    private readonly changes: Changes,
    private readonly storage: UserStorage,
    private readonly toasts: Toasts,
  ) {
    super(new Map(storage.read<Task[]>("deletions", []).map((task) => [task.id, { task }])));
  }

  /** Finishes what a page before this one has begun. */
  resume() {
    for (const id of this.get().keys()) void this.commit(id);
  }

  delete(task: Task) {
    if (this.get().has(task.id)) return;
    const toast = this.toasts.show(`Deleted “${shorten(task.title)}”`, {
      lasts: TIME_TO_UNDO,
      action: { label: "Undo", run: () => this.undo(task.id) },
    });
    const timer = setTimeout(() => void this.commit(task.id), TIME_TO_UNDO);
    this.put({ task, toast, timer });
  }

  /** Brings back one task, or the one that was deleted last. Answers its id. */
  undo(id?: string): string | undefined {
    const open = [...this.get().values()].filter(({ timer }) => timer !== undefined);
    const deletion = id ? open.find(({ task }) => task.id === id) : open.at(-1);
    if (deletion) this.drop(deletion.task.id);
    return deletion?.task.id;
  }

  /** Deletes everything that waits for an undo. */
  commitAll = async () => {
    await Promise.all([...this.get().values()].map(({ task, timer }) => timer && this.commit(task.id)));
  };

  private async commit(id: string) {
    const deletion = this.get().get(id);
    if (!deletion) return;
    clearTimeout(deletion.timer);
    if (deletion.toast) this.toasts.close(deletion.toast);
    this.put({ task: deletion.task });
    try {
      await this.changes.delete(deletion.task);
    } catch (error) {
      this.explain(deletion.task, error);
    }
    this.drop(id);
  }

  private explain(task: Task, error: unknown) {
    const title = shorten(task.title);
    if (isProblem(error, "version_mismatch")) {
      this.toasts.error(`“${title}” was changed elsewhere, so it was not deleted.`);
    } else {
      const what = isOutcomeUnknown(error) ? `It is not known whether “${title}” was deleted.` : `“${title}” was not deleted.`;
      this.toasts.error(`${what} ${inOneLine(error, this.connection.baseUrl)}`, { label: "Delete", run: () => this.delete(task) });
    }
  }

  private put(deletion: Deletion) {
    this.keep(new Map(this.get()).set(deletion.task.id, deletion));
  }

  private drop(id: string) {
    const rest = new Map(this.get());
    const deletion = rest.get(id);
    clearTimeout(deletion?.timer);
    if (deletion?.toast) this.toasts.close(deletion.toast);
    rest.delete(id);
    this.keep(rest);
  }

  private keep(all: Map<string, Deletion>) {
    this.set(all);
    this.storage.write("deletions", all.size ? [...all.values()].map(({ task }) => task) : undefined);
  }
}

function shorten(title: string) {
  return title.length > 40 ? `${title.slice(0, 39)}…` : title;
}
