import "server-only";
import type { FirstRows } from "./rows";

/** What the page shows before the browser has asked for anything. */
export async function firstRows(): Promise<FirstRows | null> {
  return null;
}
