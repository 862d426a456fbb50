export { betterAuthToken } from "./better-auth.js";
export type { BetterAuthClient } from "./better-auth.js";
export { isProblem, SignedOut, TodowardProblem, TodowardUnreachable } from "./errors.js";
export type { ErrorCode, FieldError } from "./errors.js";
export { newId, newIdempotencyKey } from "./key.js";
export { Todoward } from "./todoward.js";
export type { TokenSource } from "./tokens.js";
export type { Options as TodowardOptions, RetryInfo } from "./transport.js";
export type {
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
  CountGroup,
  CountQuery,
  CreateOptions,
  DeleteOptions,
  Erased,
  ExportFormat,
  IfMatch,
  Imported,
  ImportFormat,
  ImportOptions,
  List,
  ListFields,
  ListMove,
  ListPage,
  ListPatch,
  ListQuery,
  ListsQuery,
  Priority,
  RowCounts,
  SubscribeOptions,
  Tag,
  Task,
  TaskCount,
  TaskFields,
  TaskMove,
  TaskPage,
  TaskPatch,
  TaskSort,
  TaskSortKey,
  WriteOptions,
} from "./types.js";
