import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];
type Query<Operation extends "listTasks" | "listLists" | "countTasks"> = NonNullable<
  operations[Operation]["parameters"]["query"]
>;
/** Optional members may be undefined, too: neither JSON nor the query has them then. */
type Loose<T> = { [Member in keyof T]: object extends Pick<T, Member> ? T[Member] | undefined : T[Member] };
/** Without what the server writes: its type is `unknown` there, because it is ignored. */
type Written<T> = { [Member in keyof T as unknown extends T[Member] ? never : Member]: T[Member] };
/** Exactly one of the fields. */
type OneOf<T> = {
  [Member in keyof T]-?: { [One in Member]-?: T[One] } & { [Other in Exclude<keyof T, Member>]?: undefined };
}[keyof T];

export type Task = Schemas["Task"];
/** A list of tasks, as "Groceries". A task whose `list_id` is null is in the inbox, which is no list. */
export type List = Schemas["List"];
/** A tag, and how many tasks outside the trash have it: the open ones, and all. */
export type Tag = Schemas["Tag"];
/** Who the caller is, when the token ends, and how much there is. */
export type Account = Schemas["Account"];
/** How many tasks and lists. */
export type RowCounts = Schemas["RowCounts"];
/** What was erased; `pending`: until now. */
export type Erased = Schemas["Erased"];
/** What became of a file. */
export type Imported = Schemas["Import"];
/** The format of a file that is exported. */
export type ExportFormat = components["parameters"]["ExportFormat"];
/** The format of a file that is imported. */
export type ImportFormat = components["parameters"]["ImportFormat"];
export type Priority = Schemas["Priority"];

/** One page. Without more `next_cursor` is null. */
export interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}
export type TaskPage = Schemas["TaskList"];
export type ListPage = Schemas["ListPage"];

/** What a client writes of a task: `title` is required. */
export type TaskFields = Loose<Written<Schemas["NewTask"]>>;
/** What is absent stays as it is, `null` clears; `tags` are replaced as a whole. */
export type TaskPatch = Loose<Written<Schemas["TaskPatch"]>>;
/** What a client writes of a list: `name` is required. */
export type ListFields = Loose<Written<Schemas["NewList"]>>;
/** What is absent stays as it is; `color: null` clears. */
export type ListPatch = Loose<Written<Schemas["ListPatch"]>>;

/**
 * Where a list goes: exactly one of `before` and `after` (the id of another list), `first: true` and
 * `last: true`.
 */
export type ListMove = OneOf<Written<Schemas["ListMove"]>>;
/**
 * Where a task goes: another `list_id` (null: the inbox), another `parent_id` (null: the top level), and at
 * most one place among the siblings there: `before` or `after` (the id of a sibling), `first: true`,
 * `last: true`. Without a place it goes behind the siblings. At least one of all these.
 */
export type TaskMove = Loose<Pick<Schemas["Move"], "list_id" | "parent_id">> &
  (ListMove | { [Place in keyof ListMove]?: undefined });

/**
 * A page of what has changed, in its present state, the trash included; `gone` is what ended for good. `next` is
 * the `since` of the next page, now if `more`, else later.
 */
export type Changes = Schemas["Changes"];

/** What tasks are sorted by. */
export type TaskSortKey =
  | "created_at"
  | "updated_at"
  | "completed_at"
  | "due_date"
  | "priority"
  | "title"
  | "position";
/** A key, with `-` before it for descending. */
export type TaskSort = TaskSortKey | `-${TaskSortKey}`;

/** Filters, order and paging of tasks. A task must pass all filters that are there. */
export type ListQuery = Loose<Omit<Query<"listTasks">, "sort">> & {
  /**
   * One to three different keys, the first one above all: `["priority", "-due_date"]`. Default `"-created_at"`,
   * in the trash the last deleted first. Tasks without a value come last, in both directions.
   */
  sort?: TaskSort | readonly TaskSort[] | undefined;
};
/** Filters and paging of lists, which are sorted by `position`; in the trash the last deleted first. */
export type ListsQuery = Loose<Query<"listLists">>;

/** What tasks are counted by. */
export type CountBy = components["parameters"]["GroupBy"];
/** The filters of a list of tasks, all optional; and `by`, to count in groups. */
export type CountQuery<By extends CountBy | undefined = CountBy | undefined> = Loose<
  Omit<Query<"countTasks">, "by">
> & { by?: By };
/** How many tasks there are; with `by` also in groups. Those without tasks are not there. */
export type TaskCount<By extends CountBy | undefined> = By extends CountBy
  ? { count: number; groups: CountGroup<By>[] }
  : { count: number };
/**
 * `key` by `list`: the id of a list, or `inbox`; by `parent`: the id of a task, or `none`; by `due_date`: a day,
 * or `none`; by `tag`: the tag. A task counts for each of its tags, and for none if it has none.
 */
export interface CountGroup<By extends CountBy> {
  key: By extends "priority" ? Priority : By extends "completed" ? "true" | "false" : string;
  count: number;
}

/**
 * The state in which a task or list must still be for a write to happen: that of a row as it was read, a
 * version, `"seen"` (that of this client's last response about it), or `"*"` (any). Without it the last write
 * wins, field by field.
 */
export type IfMatch = Pick<Task, "version"> | number | "seen" | "*";

export interface CallOptions {
  /** Ends the call, its waiting included, with the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  ifMatch?: IfMatch | undefined;
}

export interface CompleteOptions extends WriteOptions {
  /** Completes every open task below as well, all or none. */
  subtasks?: boolean | undefined;
  /** The user's today, `YYYY-MM-DD`, from which a recurring task goes on; else the server's. */
  on?: string | undefined;
}

export interface DeleteOptions extends WriteOptions {
  /** For good, in the trash or not; else it goes to the trash. */
  permanent?: boolean | undefined;
}

export interface ClearOptions extends CallOptions {
  /** Only those completed before this instant, exclusive: RFC 3339 with `Z` or an offset. */
  completedBefore?: string | undefined;
}

export interface ChangesOptions extends CallOptions {
  /** The max number of tasks, lists and gone of a page together: 1 to 1,000, default 500. */
  limit?: number | undefined;
}

export interface ImportOptions extends CallOptions {
  /** The format of the file; else its type (of a `File`, `file.type`) and its content say it. */
  format?: ImportFormat | undefined;
  /** Only says what it would do. */
  dryRun?: boolean | undefined;
}

export interface SubscribeOptions {
  /** `next` of the last pull: if the server is no further, it says nothing at first. */
  lastEventId?: string | undefined;
  /**
   * There is something to pull: at the start, and after changes. Pull from the `next` of your last pull; this `next`
   * only says how far the server is.
   */
  onChanged: (next: string) => void;
  /** The stream is open: from now on the server tells of changes by itself. */
  onOpen?: (() => void) | undefined;
  /** It was lost, and is opened again after `delay` milliseconds. `error` is undefined if the server ended it. */
  onRetry?: ((info: { retry: number; delay: number; error: unknown }) => void) | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
}

export interface CreateOptions extends CallOptions {
  /** The same key and the same fields make one task, or list, however often they are sent within 24 hours. */
  idempotencyKey?: string | undefined;
  /**
   * The id, of `newId()`: a UUIDv7 that no other task, or list, of the user's has, or had; else 412
   * `version_mismatch`. Whoever creates the same one again does no harm, so it needs no key.
   */
  id?: string | undefined;
}

interface Keyed {
  /** Made where none is given. */
  "Idempotency-Key"?: string;
}
interface Conditional {
  /** As `` `"${task.version}"` ``. */
  "If-Match"?: string;
}
interface IfAbsent {
  "If-None-Match": "*";
}

/** One write of a batch: the request, below `/api/v1`. What stands in a path or query is percent-encoded. */
export type BatchOperation =
  | { method: "POST"; path: "/tasks"; headers?: Keyed; body: TaskFields }
  | { method: "POST"; path: "/lists"; headers?: Keyed; body: ListFields }
  | { method: "PUT"; path: `/tasks/${string}`; headers: IfAbsent; body: TaskFields }
  | { method: "PUT"; path: `/lists/${string}`; headers: IfAbsent; body: ListFields }
  | { method: "PATCH"; path: `/tasks/${string}`; headers?: Conditional; body: TaskPatch }
  | { method: "PATCH"; path: `/tasks/${string}/complete`; headers?: Conditional; body?: Written<Schemas["Completion"]> }
  | { method: "PATCH"; path: `/lists/${string}`; headers?: Conditional; body: ListPatch }
  | { method: "POST"; path: `/tasks/${string}/move`; headers?: Conditional; body: TaskMove }
  | { method: "POST"; path: `/lists/${string}/move`; headers?: Conditional; body: ListMove }
  | { method: "POST"; path: `/${"tasks" | "lists"}/${string}/restore`; headers?: Conditional; body?: undefined }
  | { method: "DELETE"; path: `/${"tasks" | "lists"}/${string}`; headers?: Conditional; body?: undefined }
  | { method: "DELETE"; path: `/${"tasks" | "lists"}?${string}`; headers?: undefined; body?: undefined }
  | { method: "PATCH"; path: `/tags?name=${string}`; headers?: undefined; body: { name: string } }
  | { method: "DELETE"; path: `/tags?name=${string}`; headers?: undefined; body?: undefined };

type BodyOf<Operation extends BatchOperation> = Operation extends { path: `/tags?${string}` }
  ? Schemas["Changed"]
  : Operation extends { method: "DELETE"; path: `/${"tasks" | "lists"}?${string}` }
    ? Schemas["Cleared"]
    : Operation extends { method: "DELETE" }
      ? null
      : Operation extends { path: `/tasks${string}` }
        ? Task
        : List;

/** What one operation of a batch has become. */
export interface BatchResult<Body> {
  status: number;
  headers: { ETag?: string; Location?: string; "Idempotency-Replayed"?: string; "Retry-After"?: string; Allow?: string };
  /** null: it has none. With a status from 400 on: a problem. */
  body: Body;
}

/** The results of a batch, in the order of its operations. If it is not atomic, each may be a problem. */
export type BatchResults<Operations extends readonly BatchOperation[], Atomic extends boolean> = {
  -readonly [At in keyof Operations]: BatchResult<
    BodyOf<Operations[At]> | (Atomic extends true ? never : Schemas["Problem"])
  >;
};

export interface BatchOptions<Atomic extends boolean> extends CallOptions {
  /** Default true: all of it is done, or nothing. Else each stands for itself. */
  atomic?: Atomic;
}
