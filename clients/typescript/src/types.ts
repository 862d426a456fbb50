import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];
/** Optional members may be undefined, too: neither JSON nor the query has them then. */
type Loose<T> = { [Member in keyof T]: object extends Pick<T, Member> ? T[Member] | undefined : T[Member] };
/** Without what the server writes: its type is `unknown` there, because it is ignored. */
type Written<T> = { [Member in keyof T as unknown extends T[Member] ? never : Member]: T[Member] };

export type Task = Schemas["Task"];
export type TaskPage = Schemas["TaskList"];
export type Priority = Schemas["Priority"];

/** What a client writes of a task: `title` is required. */
export type TaskFields = Loose<Written<Schemas["NewTask"]>>;
/** What is absent stays as it is, `null` clears; `tags` are replaced as a whole. */
export type TaskPatch = Loose<Written<Schemas["TaskPatch"]>>;

/** Filters, order and paging of a list. */
export type ListQuery = Loose<NonNullable<operations["listTasks"]["parameters"]["query"]>>;

/**
 * The state in which a task must still be for a write to happen: that of a task
 * as it was read, a version, `"seen"` (that of this client's last answer about
 * it), or `"*"` (any). Without it the last write wins, field by field.
 */
export type IfMatch = Pick<Task, "version"> | number | "seen" | "*";

export interface CallOptions {
  /** Ends the call, its waiting included, with the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  ifMatch?: IfMatch | undefined;
}

export interface CreateOptions extends CallOptions {
  /** The same key and the same fields make one task, however often they are sent within 24 hours. */
  idempotencyKey?: string | undefined;
}
