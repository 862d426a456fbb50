import {
  EVENTS,
  FILE,
  isAccount,
  isAdopted,
  isBatch,
  isChanged,
  isChanges,
  isCount,
  isErased,
  isImported,
  isRow,
  isTags,
} from "./answer.js";
import { newIdempotencyKey } from "./key.js";
import { Rows } from "./rows.js";
import { callOf, Transport, type Call, type Options } from "./transport.js";
import type {
  Account,
  BatchOperation,
  BatchOptions,
  BatchResult,
  BatchResults,
  CallOptions,
  Changes,
  ChangesOptions,
  ClearOptions,
  CompleteOptions,
  CountBy,
  CountQuery,
  CreateOptions,
  DeleteOptions,
  Erased,
  ExportFormat,
  Imported,
  ImportOptions,
  List,
  ListFields,
  ListMove,
  ListPage,
  ListPatch,
  ListQuery,
  ListsQuery,
  RowCounts,
  SubscribeOptions,
  Tag,
  Task,
  TaskCount,
  TaskFields,
  TaskMove,
  TaskPage,
  TaskPatch,
  WriteOptions,
} from "./types.js";

/** One user's tasks, lists and tags. */
export class Todoward {
  /** Whose tasks these are, where the option says so. */
  readonly user: string | undefined;
  readonly #transport: Transport;
  readonly #tasks: Rows<Task>;
  readonly #lists: Rows<List>;

  constructor(options: Options) {
    this.user = options.user;
    this.#transport = new Transport(options);
    this.#tasks = new Rows(this.#transport, "task");
    this.#lists = new Rows(this.#transport, "list");
  }

  /** One page. The next one: the same query with `cursor: page.next_cursor`, or see `pages`. */
  listTasks(query: ListQuery = {}, options: CallOptions = {}): Promise<TaskPage> {
    return this.#tasks.list(asSent(query), options);
  }

  /** Every page, from `query.cursor` or the start; `limit` is the size of a page. */
  pages(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<TaskPage> {
    return this.#tasks.pages(asSent(query), options);
  }

  /** Every task, fetched page by page. */
  tasks(query: ListQuery = {}, options: CallOptions = {}): AsyncIterableIterator<Task> {
    return this.#tasks.all(asSent(query), options);
  }

  /**
   * How many tasks pass the filters. With `by` also in groups, the largest first, then by key, at most 1,000.
   * A filter that is none is 400 `invalid_parameter`.
   */
  async countTasks<By extends CountBy | undefined = undefined>(
    query: CountQuery<By> = {},
    options: CallOptions = {},
  ): Promise<TaskCount<By>> {
    const { data } = await this.#transport.run(callOf("read", isCount(query.by !== undefined), options), (init) =>
      this.#transport.api.GET("/api/v1/tasks/count", { ...init, params: { query: query as object } }),
    );
    return data as TaskCount<By>;
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

  /**
   * Sets whether it is done; toggles it if that is undefined. Completing a recurring task makes the next one,
   * which `next_id` names. A toggle has no `subtasks` and no `on`: a `TypeError`. With `completed: false`
   * `subtasks: true` is 422 `invalid_task`.
   */
  async completeTask(id: string, completed?: boolean, options: CompleteOptions = {}): Promise<Task> {
    const { subtasks, on } = options;
    const toggles = completed === undefined;
    if (toggles && (subtasks !== undefined || on !== undefined)) {
      throw new TypeError("subtasks and on need completed: a toggle says nothing else");
    }
    const body = { completed, subtasks, on } as { completed: boolean; subtasks?: boolean; on?: string };
    return this.#tasks.write(id, options, {
      repeat: toggles ? "never" : "stated",
      // Of the tasks below, this one shows nothing.
      wanted: toggles || subtasks ? undefined : { completed },
      send: (init) =>
        this.#transport.api.PATCH("/api/v1/tasks/{id}/complete", {
          ...init,
          ...(!toggles && { body }),
        }),
    });
  }

  /**
   * Puts it into another list, below another task, or elsewhere among its siblings; everything below it comes
   * along. A target that is not there, or no sibling there, is 422 `invalid_task`.
   */
  moveTask(id: string, to: TaskMove, options: WriteOptions = {}): Promise<Task> {
    return this.#tasks.move(id, to, options);
  }

  /** Moves it to the trash, with everything below it; or, with `permanent`, deletes it for good. */
  deleteTask(id: string, options: DeleteOptions = {}): Promise<void> {
    return this.#tasks.delete(id, options);
  }

  /**
   * Takes it out of the trash, with what went there with it: to the top level if its parent is not there any
   * more, to the inbox if its list is not. If it is not in the trash: 404 `task_not_found`.
   */
  restoreTask(id: string, options: WriteOptions = {}): Promise<Task> {
    return this.#tasks.restore(id, options);
  }

  /** Moves the completed tasks to the trash, but for those with an open task below; says how many went. */
  clearCompleted(options: ClearOptions = {}): Promise<number> {
    return this.#tasks.clear({ completed: true, completed_before: options.completedBefore }, options);
  }

  /** Deletes every task of the trash for good, and says how many they were. */
  emptyTaskTrash(options: CallOptions = {}): Promise<number> {
    return this.#tasks.clear({ trash: true }, options);
  }

  /** One page of lists, in the order of `position`. */
  listLists(query: ListsQuery = {}, options: CallOptions = {}): Promise<ListPage> {
    return this.#lists.list(query, options);
  }

  /** Every page of lists, from `query.cursor` or the start; `limit` is the size of a page. */
  pagesOfLists(query: ListsQuery = {}, options: CallOptions = {}): AsyncIterableIterator<ListPage> {
    return this.#lists.pages(query, options);
  }

  /** Every list, fetched page by page. */
  lists(query: ListsQuery = {}, options: CallOptions = {}): AsyncIterableIterator<List> {
    return this.#lists.all(query, options);
  }

  /** As `createTask`. The new list stands last. Refused fields are 422 `invalid_list`. */
  createList(fields: ListFields, options: CreateOptions = {}): Promise<List> {
    return this.#lists.create(fields, options);
  }

  /** As `readTask`. If it is not there: 404 `list_not_found`. */
  readList(id: string, options: CallOptions = {}): Promise<List> {
    return this.#lists.read(id, options);
  }

  /** Writes the fields that the patch has. */
  updateList(id: string, patch: ListPatch, options: WriteOptions = {}): Promise<List> {
    return this.#lists.update(id, patch, options);
  }

  /** Puts it elsewhere among the others. One beside which it cannot go is 422 `invalid_list`. */
  moveList(id: string, to: ListMove, options: WriteOptions = {}): Promise<List> {
    return this.#lists.move(id, to, options);
  }

  /** Moves it and its tasks to the trash; or, with `permanent`, deletes all of them for good. */
  deleteList(id: string, options: DeleteOptions = {}): Promise<void> {
    return this.#lists.delete(id, options);
  }

  /** Takes it out of the trash, with the tasks that went with it. If it is not there: 404 `list_not_found`. */
  restoreList(id: string, options: WriteOptions = {}): Promise<List> {
    return this.#lists.restore(id, options);
  }

  /** Deletes every list of the trash for good, with the tasks that went with it; says how many lists they were. */
  emptyListTrash(options: CallOptions = {}): Promise<number> {
    return this.#lists.clear({ trash: true }, options);
  }

  /** The tags of all tasks, by name in the order of code points, at most 50,000. */
  async listTags(options: CallOptions = {}): Promise<Tag[]> {
    const { data } = await this.#transport.run(callOf("read", isTags, options), (init) =>
      this.#transport.api.GET("/api/v1/tags", init),
    );
    return data!.items;
  }

  /**
   * Gives a tag another name on every task, also in the trash, all or none; says how many tasks have changed. A
   * task that has both keeps one. A name that no tag can have is 400 `invalid_parameter` as the old one, 422
   * `invalid_tag` as the new one.
   */
  async renameTag(name: string, newName: string, options: CallOptions = {}): Promise<number> {
    const { data } = await this.#transport.run(callOf("never", isChanged, options), (init) =>
      this.#transport.api.PATCH("/api/v1/tags", { ...init, params: { query: { name } }, body: { name: newName } }),
    );
    return data!.changed;
  }

  /** Takes a tag off every task, also in the trash, all or none; says how many tasks have changed. */
  async deleteTag(name: string, options: CallOptions = {}): Promise<number> {
    const { data } = await this.#transport.run(callOf("never", isChanged, options), (init) =>
      this.#transport.api.DELETE("/api/v1/tags", { ...init, params: { query: { name } } }),
    );
    return data!.changed;
  }

  /**
   * One page of what has changed since a cursor, the `next` of an earlier page. Without one: everything there is,
   * page by page, and what changes meanwhile. Whoever follows `next` misses nothing; something may come twice, with
   * the same `version`. 410 `sync_reset`: this cursor cannot be followed any more; start again without, and replace
   * the copy.
   */
  changes(since?: string, options: ChangesOptions = {}): Promise<Changes> {
    return this.#changes(since, options, callOf("read", isChanges, options));
  }

  /** Every page of what has changed since a cursor; ends when there is no more. */
  pagesOfChanges(since?: string, options: ChangesOptions = {}): AsyncIterableIterator<Changes> {
    return this.#pagesOfChanges(since, options, this.#transport.begin(callOf("read", isChanges, options)));
  }

  /**
   * Is told by the server when there is something to pull. Reconnects by itself, with a new token where one has
   * expired. Resolves when the signal ends it; is rejected where waiting does not help: `SignedOut`, also after
   * `forget()`, a refusal, or a `TypeError` where `fetch` does not give a body as it comes, as on React Native.
   */
  async subscribe(options: SubscribeOptions): Promise<void> {
    const transport = this.#transport;
    const begun = transport.begin(callOf("read", EVENTS, {}));
    // Loaded where it is used only.
    const { subscribe } = await import("./stream.js");
    return subscribe(transport, begun, options);
  }

  async #changes(since: string | undefined, { limit }: ChangesOptions, made: Call): Promise<Changes> {
    const see = { tasks: this.#tasks.observer(), lists: this.#lists.observer() };
    const query = { since, limit } as { since?: string; limit?: number };
    const { data } = await this.#transport.run(made, (init) =>
      this.#transport.api.GET("/api/v1/changes", { ...init, params: { query } }),
    );
    const page = data!;
    see.tasks(page.tasks);
    see.lists(page.lists);
    return page;
  }

  async *#pagesOfChanges(since: string | undefined, options: ChangesOptions, made: Call) {
    let page: Changes;
    do {
      page = await this.#changes(since, options, made);
      yield page;
      since = page.next;
    } while (page.more);
  }

  /**
   * 1 to 100 writes in one request, in order. Atomic, unless `atomic: false` says otherwise: then, if one is refused,
   * nothing is done, and the 422 `batch_refused` says which one (`failed`) and why (`problem`). It is repeated as its
   * operations would be: give them `If-Match`, or create by PUT with `If-None-Match: *`.
   */
  async batch<const Operations extends readonly BatchOperation[], Atomic extends boolean = true>(
    operations: Operations,
    options: BatchOptions<Atomic> = {},
  ): Promise<BatchResults<Operations, Atomic>> {
    const see = { "/tasks": this.#tasks.observer(), "/lists": this.#lists.observer() };
    const keyed = (one: BatchOperation) => (isCreate(one) ? { ...one, headers: withKey(one.headers) } : one);
    const sent = operations.map(keyed) as BatchOperation[];
    const body = JSON.stringify({ atomic: options.atomic, operations: sent });
    const repeat = sent.every(isCreate) ? "create" : sent.every(isGuarded) ? "stated" : "never";
    const call = callOf(repeat, isBatch, options);
    const { data } = await this.#transport.run(call, (init) =>
      this.#transport.api.POST("/api/v1/batch", { ...init, body: {} as never, bodySerializer: () => body }),
    );
    const results = (data as { results: BatchResult<unknown>[] }).results;
    for (const [at, { body }] of results.entries()) {
      if (isRow(body)) see[sent[at]?.path.slice(0, 6) as keyof typeof see]?.([body as Task & List]);
    }
    return results as BatchResults<Operations, Atomic>;
  }

  /**
   * Imports a file of at most 20 MiB and 50,000 tasks, all of it or nothing. What is there already stays as it is, so
   * it is repeated where that may help. `dropped` says what the file has and cannot be kept. A file that cannot be
   * read is 422 `invalid_import`, with its `line`.
   */
  async importTasks(file: Blob | string, options: ImportOptions = {}): Promise<Imported> {
    const { format, dryRun } = options;
    const type = typeof file === "string" ? "" : file.type;
    const query = { format, dry_run: dryRun };
    const { data } = await this.#transport.run(callOf("create", isImported, options), (init) =>
      this.#transport.api.POST("/api/v1/import", {
        ...init,
        headers: { ...init.headers, "Content-Type": type || "application/octet-stream" },
        params: { query: query as object },
        body: {} as never,
        bodySerializer: () => file,
      }),
    );
    return data!;
  }

  /**
   * Everything in one file, with the completed tasks; as `ndjson`, which loses nothing, with the trash. Its body is
   * read as it comes, by `response.body` or `response.blob()`, which are rejected where the file is cut off.
   */
  async exportTasks(format: ExportFormat = "ndjson", options: CallOptions = {}): Promise<Response> {
    const { response } = await this.#transport.run(callOf("read", FILE, options), (init) =>
      this.#transport.api.GET("/api/v1/export", { ...init, params: { query: { format } }, parseAs: "stream" }),
    );
    return response;
  }

  /** Who the caller is, when the token ends, and how much there is, the trash included. */
  async readAccount(options: CallOptions = {}): Promise<Account> {
    const { data } = await this.#transport.run(callOf("read", isAccount, options), (init) =>
      this.#transport.api.GET("/api/v1/users/{owner_id}", { ...init, params: { path: { owner_id: "me" } } }),
    );
    return data!;
  }

  /**
   * Erases everything of the user, for good. `user` is the id, spelled out: that of another user is 403
   * `foreign_path`. Needs a token that was issued a moment ago. `pending`: some of it is still being erased.
   */
  async eraseAccount(user: string, options: CallOptions = {}): Promise<Erased> {
    const { data } = await this.#transport.run(callOf("stated", isErased, options), (init) =>
      this.#transport.api.DELETE("/api/v1/users/{owner_id}", { ...init, params: { path: { owner_id: user } } }),
    );
    return data!;
  }

  /**
   * Takes over everything of another account, whose token this is. Needs tokens that were issued a moment ago; the
   * other one must be that of an anonymous user, unless the server allows any: 403 `adopt_refused`.
   */
  async adoptAccount(token: string, options: CallOptions = {}): Promise<RowCounts> {
    const header = { "X-Adopt-Authorization": `Bearer ${token}` };
    const { data } = await this.#transport.run(callOf("stated", isAdopted, options), (init) =>
      this.#transport.api.POST("/api/v1/users/{owner_id}/adopt", {
        ...init,
        headers: { ...init.headers, ...header },
        params: { header, path: { owner_id: "me" } },
      }),
    );
    return data!.adopted;
  }

  /** Forgets the tasks and lists of earlier responses. To be called when somebody else signs in, or nobody is. */
  forget(): void {
    this.#tasks.forget();
    this.#lists.forget();
    this.#transport.forget();
  }
}

/** By POST: it has a key, by which it is done once. */
function isCreate({ method, path }: BatchOperation): boolean {
  return method === "POST" && (path === "/tasks" || path === "/lists");
}

function withKey(headers: object | undefined): object {
  return { "Idempotency-Key": newIdempotencyKey(), ...headers };
}

/** Whether a second time has no effect. */
function isGuarded(operation: BatchOperation): boolean {
  const { "If-Match": ifMatch = "*", ...rest } = (operation.headers ?? {}) as { "If-Match"?: string };
  return isCreate(operation) || "If-None-Match" in rest || ifMatch !== "*";
}

/** The order as the query has it. */
function asSent({ sort, ...query }: ListQuery) {
  return { ...query, sort: typeof sort === "object" ? sort.join(",") || undefined : sort };
}
