import { isCleared, isPage, isRow, type Expected } from "./answer.js";
import { forgottenMeanwhile, isProblem } from "./errors.js";
import { newIdempotencyKey } from "./key.js";
import { Memory } from "./memory.js";
import { Transport, type Answer, type Call, type Options, type Repeat, type Send } from "./transport.js";
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

const TASKS = "/api/v1/tasks";
const TASK = "/api/v1/tasks/{id}";
const COMPLETION = "/api/v1/tasks/{id}/complete";

/** One user's tasks. */
export class Todoward {
  #transport: Transport;
  /** Each call takes it before it waits for anything, so that a late answer gets into no other user's. */
  #memory = new Memory();

  constructor(options: Options) {
    this.#transport = new Transport(options);
  }

  /** One page. The next one: the same query with `cursor: page.next_cursor`, or see `pages`. */
  async listTasks(query: ListQuery = {}, options: CallOptions = {}): Promise<TaskPage> {
    return this.#list(query, call("read", isPage, options));
  }

  async #list(query: ListQuery, made: Call): Promise<TaskPage> {
    const memory = this.#memory;
    const { data } = await this.#transport.run(made, (init) =>
      // The serializer leaves undefined out.
      this.#transport.api.GET(TASKS, { ...init, params: { query: query as object } }),
    );
    // A list may be older than a write that was answered meanwhile. One task that is read is what it is,
    // even if its version has gone back, as after a restore.
    data!.items.forEach((task) => memory.keepUnlessOlder(task));
    return data!;
  }

  /** Every page, from `query.cursor` or the start; `limit` is the size of a page. */
  pages(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<TaskPage> {
    return this.#pages(this.#memory, query, options);
  }

  /** Every task, fetched page by page. */
  tasks(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<Task> {
    return tasksOf(this.pages(query, options));
  }

  /** A generator starts at its first `next()`, which may be after `forget()`: so the memory is handed in. */
  async *#pages(memory: Memory, query: ListQuery, options: CallOptions): AsyncIterableIterator<TaskPage> {
    let cursor = query.cursor;
    // One call for all pages: they are one user's.
    const made = call("read", isPage, options);
    do {
      if (memory !== this.#memory) throw forgottenMeanwhile();
      const page = await this.#list({ ...query, cursor }, made);
      yield page;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** A key is made where none is given, and is the same over all repeats of this call. */
  async createTask(fields: TaskFields, options: CreateOptions = {}): Promise<Task> {
    const memory = this.#memory;
    const key = options.idempotencyKey ?? newIdempotencyKey();
    // A key stands for these bytes: what the caller changes meanwhile is not sent.
    const body = JSON.stringify(fields);
    const { data } = await this.#transport.run(call("create", isRow, options), (init) =>
      this.#transport.api.POST(TASKS, {
        ...init,
        headers: { ...init.headers, "Idempotency-Key": key },
        body: fields as never,
        bodySerializer: () => body,
      }),
    );
    return memory.keep(data!);
  }

  /** Asks only for what is newer than this client's last answer about the task. */
  async readTask(id: string, options: CallOptions = {}): Promise<Task> {
    return this.#read(id, call("read", isRow, options));
  }

  async #read(id: string, made: Call): Promise<Task> {
    const memory = this.#memory;
    const kept = memory.get(id);
    const headers = { "If-None-Match": kept && entityTag(kept.version) };
    const { data, response } = await this.#about(id, made, (init) =>
      this.#transport.api.GET(TASK, {
        ...init,
        headers: { ...init.headers, ...headers },
        params: { path: { id } },
      }),
    );
    if (kept && response.status === 304) return kept;
    return memory.keep(data!);
  }

  /** Writes the members that the patch has. */
  async updateTask(id: string, patch: TaskPatch, options: WriteOptions = {}): Promise<Task> {
    const headers = this.#condition(id, options);
    const body = JSON.stringify(patch);
    const write = call(isGuarded(options) ? "stated" : "never", isRow, options);
    return this.#changed(id, write, JSON.parse(body) as TaskPatch, (init) =>
      this.#transport.api.PATCH(TASK, {
        ...init,
        headers: { ...init.headers, ...headers },
        params: { path: { id } },
        body: patch as never,
        bodySerializer: () => body,
      }),
    );
  }

  /** Sets whether it is done; toggles it if that is undefined. */
  async completeTask(id: string, completed?: boolean, options: WriteOptions = {}): Promise<Task> {
    const headers = this.#condition(id, options);
    const wanted = completed === undefined ? undefined : { completed };
    const write = call(wanted || isGuarded(options) ? "stated" : "never", isRow, options);
    return this.#changed(id, write, wanted, (init) =>
      this.#transport.api.PATCH(COMPLETION, {
        ...init,
        headers: { ...init.headers, ...headers },
        params: { path: { id } },
        ...(wanted && { body: wanted }),
      }),
    );
  }

  async deleteTask(id: string, options: WriteOptions = {}): Promise<void> {
    const memory = this.#memory;
    const headers = this.#condition(id, options);
    const write = call(isGuarded(options) ? "stated" : "never", undefined, options);
    try {
      await this.#about(id, write, (init) =>
        this.#transport.api.DELETE(TASK, {
          ...init,
          headers: { ...init.headers, ...headers },
          params: { path: { id } },
        }),
      );
    } catch (error) {
      // The first attempt, of which nobody knew, has done it.
      if (!(write.uncertain && isProblem(error, "task_not_found"))) throw error;
    }
    memory.drop(id);
  }

  /** Deletes the completed tasks, and says how many. */
  async clearCompleted(options: CallOptions = {}): Promise<number> {
    const { data } = await this.#transport.run(call("never", isCleared, options), (init) =>
      this.#transport.api.DELETE(TASKS, { ...init, params: { query: { completed: true } } }),
    );
    return data!.deleted;
  }

  /** Forgets the tasks of earlier answers. To be called when somebody else signs in, or nobody is. */
  forget(): void {
    this.#memory = new Memory();
    this.#transport.forget();
  }

  /** A write whose answer is the task. */
  async #changed(id: string, write: Call, wanted: TaskPatch | undefined, send: Send<Task>): Promise<Task> {
    const memory = this.#memory;
    try {
      const { data } = await this.#about(id, write, send);
      return memory.keep(data!);
    } catch (error) {
      // The first attempt, of which nobody knew, may have made the version that is in the way.
      if (!(wanted && write.uncertain && isProblem(error, "version_mismatch"))) throw error;
      // To read it now would be in the next user's name.
      if (memory !== this.#memory) throw error;
      const now = await this.#read(id, { ...write, repeat: "read" }).catch(() => undefined);
      if (now && holds(now, wanted)) return now;
      throw error;
    }
  }

  /** A call about one task; what is known of it is forgotten if it is not there, or somebody else's. */
  async #about<T>(id: string, made: Call, send: Send<T>): Promise<Answer<T>> {
    const memory = this.#memory;
    try {
      return await this.#transport.run(made, send);
    } catch (error) {
      if (isProblem(error, "task_not_found", "not_owner")) memory.drop(id);
      throw error;
    }
  }

  #condition(id: string, { ifMatch }: WriteOptions): { "If-Match"?: string } {
    if (ifMatch === undefined) return {};
    if (ifMatch === "*") return { "If-Match": "*" };
    const seen = ifMatch === "seen" ? this.#memory.get(id) : ifMatch;
    if (seen === undefined) {
      throw new TypeError(`ifMatch "seen": this client has no answer about the task ${id}; read it first`);
    }
    return { "If-Match": entityTag(typeof seen === "number" ? seen : seen.version) };
  }
}

function call(repeat: Repeat, expected: Expected | undefined, { signal }: CallOptions): Call {
  return { repeat, expected, signal };
}

/** Whether a second attempt fails if the first one was done. `"*"` would let it through. */
function isGuarded({ ifMatch }: WriteOptions): boolean {
  return ifMatch !== undefined && ifMatch !== "*";
}

/** The server's ETag. Made from the version, because proxies weaken the header. */
function entityTag(version: number): string {
  if (!Number.isSafeInteger(version)) throw new TypeError("a version is a whole number");
  return `"${version}"`;
}

async function* tasksOf(pages: AsyncIterable<TaskPage>): AsyncIterableIterator<Task> {
  for await (const page of pages) yield* page.items;
}

/** The server ignores these in a patch, so that what was read can be sent back. */
const WRITTEN_BY_THE_SERVER = ["id", "owner_id", "completed_at", "version", "created_at", "updated_at"];

function holds(task: Task, wanted: TaskPatch): boolean {
  return Object.entries(asStored(wanted)).every(
    ([member, value]) =>
      WRITTEN_BY_THE_SERVER.includes(member) || JSON.stringify(task[member as keyof Task]) === JSON.stringify(value),
  );
}

/** What the server makes of it. */
function asStored(patch: TaskPatch): TaskPatch {
  const { title, tags } = patch;
  return {
    ...patch,
    ...(title !== undefined && { title: trimmed(title) }),
    ...(tags !== undefined && { tags: [...new Set(tags.map(trimmed))] }),
  };
}

/**
 * Not String.trim(), which has U+FEFF for white space and U+0085 not: the server has it as Unicode does.
 * Not \p{White_Space} either, which React Native's engine may not have.
 */
function trimmed(text: string): string {
  return text.replace(EDGES, "");
}

const WHITE_SPACE = "[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const EDGES = new RegExp(`^${WHITE_SPACE}+|${WHITE_SPACE}+$`, "g");
