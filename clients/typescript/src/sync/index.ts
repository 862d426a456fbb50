export { openStore, StoreClosed } from "./store.js";
export type { Lists, Query, Store, StoreOptions, Tasks } from "./store.js";
export type { LocalListQuery, LocalTaskQuery } from "./query.js";
export type { Action as StoreAction, Conflict, Rejection, Status as StoreStatus } from "./types.js";
