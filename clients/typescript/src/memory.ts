import type { Task } from "./types.js";

const LIMIT = 1000;

/** The tasks of the last answers; the longest unused goes first. What it takes and gives is copied. */
export class Memory {
  #tasks = new Map<string, Task>();

  get(id: string): Task | undefined {
    const task = this.#tasks.get(id);
    if (task) this.#put(task);
    return task && copied(task);
  }

  keep(task: Task): Task {
    this.#put(copied(task));
    return task;
  }

  /** As `keep`, but not over a newer version. */
  keepUnlessOlder(task: Task): void {
    if (task.version >= (this.#tasks.get(task.id)?.version ?? 0)) this.keep(task);
  }

  drop(id: string): void {
    this.#tasks.delete(id);
  }

  #put(task: Task): void {
    this.#tasks.delete(task.id);
    this.#tasks.set(task.id, task);
    const [oldest] = this.#tasks.keys();
    if (oldest !== undefined && this.#tasks.size > LIMIT) this.#tasks.delete(oldest);
  }
}

/** Not structuredClone(), which not every React Native has. A task came as JSON. */
function copied(task: Task): Task {
  return JSON.parse(JSON.stringify(task)) as Task;
}
