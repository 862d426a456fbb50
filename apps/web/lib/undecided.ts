// What waits for a decision of the user, in all tabs and beyond them.

import type { Conflict, Rejection } from "todoward-client/sync";

/** One field of a task that was changed here and, in another way, elsewhere. What is there stays until the user decides. */
export interface Disagreement extends Pick<Conflict, "id" | "field" | "local" | "remote"> {
  key: string;
}

/** A write that the server refused. */
export interface Refusal extends Pick<Rejection, "kind" | "id" | "action" | "at" | "problem"> {
  key: string;
  /** Of its row, as it was known here. */
  title: string | undefined;
}

export function refusalOf({ kind, id, action, at, problem }: Rejection, title: string | undefined): Refusal {
  return { key: `${id} ${at}`, kind, id, action, at, problem, title };
}

/** The names of what waits for a decision, in the storage of the user. */
export const DISAGREEMENTS = "disagreements";
export const REFUSALS = "refusals";
