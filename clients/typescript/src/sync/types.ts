import type { FieldError, List, ListFields, ListMove, ListPatch, Task, TaskFields, TaskMove, TaskPatch } from "../index.js";

export interface RowOf {
  task: Task;
  list: List;
}
export type Kind = keyof RowOf;
export const KINDS = ["list", "task"] as const satisfies readonly Kind[];

/** What a write does to its row. */
export type Action =
  | { type: "create"; fields: TaskFields | ListFields }
  | { type: "update"; patch: TaskPatch | ListPatch }
  | { type: "complete"; completed: boolean; subtasks?: boolean | undefined; on?: string | undefined }
  | { type: "move"; to: TaskMove | ListMove }
  | { type: "delete"; permanent?: boolean | undefined }
  | { type: "restore" };

/** Fields of a row, by name. */
export type Values = Record<string, unknown>;

/** One write, as it stands in the queue. */
export interface Write {
  /** Unique over all tabs. */
  key: string;
  /** Its place in the queue; undefined while it is not saved. */
  seq?: number;
  kind: Kind;
  id: string;
  /** When it was made, by the clock of the device, RFC 3339 in UTC. */
  at: string;
  action: Action;
  /** What the fields that it changes were when it was made: the base of a merge. */
  before: Values;
  /** What it made of them. */
  after: Values;
}

/** A row of the copy. */
export interface Rec<Row extends Task | List = Task | List> {
  id: string;
  /** As the server last said. */
  row: Row;
  /**
   * As a write that is done has left it, though its response did not say so; null: it is gone. The next pull that
   * ends says what is true, and takes it away.
   */
  shown?: Row | null;
  /** Of which copy it is: what is left of an older one when a new one is complete is not there any more. */
  copy: number;
}

/** What the server refused, and what therefore does not hold any more on this device either. */
export interface Rejection {
  kind: Kind;
  id: string;
  action: Action;
  /** When the write was made, by the clock of the device. */
  at: string;
  /** Whether this tab made it. Each tab is told. */
  own: boolean;
  problem: { status: number; code: string; detail: string; errors: readonly FieldError[] };
}

/** One field that was changed here and, in another way, on the server. */
export interface Conflict {
  kind: Kind;
  id: string;
  /** `"title"`, `"due_date"`, … */
  field: string;
  /** What it was when the write was made. */
  base: unknown;
  /** What the write makes of it. */
  local: unknown;
  /** What the server has. */
  remote: unknown;
  /** The whole row as the server has it. */
  row: Task | List;
}

export interface Status {
  /**
   * - `syncing`: requests are under way
   * - `synced`: all was sent, and all that the server told of is here
   * - `offline`: the server cannot be reached; it is tried again
   * - `signed_out`: the user of the store is not signed in; it is tried again
   * - `error`: see `error`; it is tried again
   * - `closed`: the store was closed or wiped
   */
  state: "syncing" | "synced" | "offline" | "signed_out" | "error" | "closed";
  /** What is wrong, for developers and logs. */
  error?: string;
  /** How many writes are not sent yet, those of all tabs. */
  pending: number;
  /** Whether this tab is the one that sends and pulls. */
  leader: boolean;
}
