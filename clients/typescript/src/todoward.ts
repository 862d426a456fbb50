import { Rows } from "./rows.js";
import { Transport, type Options } from "./transport.js";
import type {
  CallOptions,
  CreateOptions,
  ListQuery,
  Task,
  TaskFields,
  TaskPage,
  TaskPatch,
  WriteOptions,
} from "./types.js";

/** One user's tasks. */
export class Todoward {
  readonly #transport: Transport;
  readonly #tasks: Rows<Task>;

  constructor(options: Options) {
    this.#transport = new Transport(options);
    this.#tasks = new Rows(this.#transport, "task");
  }

  /** One page. The next one: the same query with `cursor: page.next_cursor`, or see `pages`. */
  listTasks(query: ListQuery = {}, options: CallOptions = {}): Promise<TaskPage> {
    return this.#tasks.list(query, options);
  }

  /** Every page, from `query.cursor` or the start; `limit` is the size of a page. */
  pages(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<TaskPage> {
    return this.#tasks.pages(query, options);
  }

  /** Every task, fetched page by page. */
  tasks(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<Task> {
    return this.#tasks.all(query, options);
  }

  /**
   * A key is made where none is given, and is the same over all repeats of this call. Refused fields, and a list
   * or parent that is not there, are 422 `invalid_task`.
   */
  createTask(fields: TaskFields, options: CreateOptions = {}): Promise<Task> {
    return this.#tasks.create(fields, options);
  }

  /** Asks only for what is newer than this client's last response about the task. */
  readTask(id: string, options: CallOptions = {}): Promise<Task> {
    return this.#tasks.read(id, options);
  }

  /** Writes the fields that the patch has. */
  updateTask(id: string, patch: TaskPatch, options: WriteOptions = {}): Promise<Task> {
    return this.#tasks.update(id, patch, options);
  }

  /** Sets whether it is done; toggles it if that is undefined. */
  async completeTask(id: string, completed?: boolean, options: WriteOptions = {}): Promise<Task> {
    const wanted = completed === undefined ? undefined : { completed };
    return this.#tasks.write(id, options, {
      repeat: wanted ? "stated" : "never",
      wanted,
      send: (init) =>
        this.#transport.api.PATCH("/api/v1/tasks/{id}/complete", { ...init, ...(wanted && { body: wanted }) }),
    });
  }

  deleteTask(id: string, options: WriteOptions = {}): Promise<void> {
    return this.#tasks.delete(id, options);
  }

  /** Deletes the completed tasks, and says how many. */
  clearCompleted(options: CallOptions = {}): Promise<number> {
    return this.#tasks.clear({ completed: true }, options);
  }

  /** Forgets the tasks of earlier responses. To be called when somebody else signs in, or nobody is. */
  forget(): void {
    this.#tasks.forget();
    this.#transport.forget();
  }
}
