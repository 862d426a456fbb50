import "server-only";
import { headers } from "next/headers";
import { Todoward } from "todoward-client";
import { getAuth } from "./auth";
import type { FirstRows } from "./rows";
import { ownUrl } from "./server-config";

/** Milliseconds. The page is not worth more: the browser has its own copy, and asks by itself. */
const PATIENCE = 400;
/** A browser without a copy would need longer than this to ask. */
const PATIENCE_AT_FIRST = 1500;

/**
 * What the page shows before the browser has asked for anything: the user's open tasks and lists. Null if Todoward does
 * not respond at once. `known`: the browser has been here before.
 */
export async function firstRows(userId: string, known: boolean): Promise<FirstRows | null> {
  try {
    const auth = await getAuth();
    const { token } = await auth.api.getToken({ headers: await headers() });
    const signal = AbortSignal.timeout(known ? PATIENCE : PATIENCE_AT_FIRST);
    const client = new Todoward({ baseUrl: ownUrl(), user: userId, token: async () => token, maxRetries: 0 });
    const [tasks, lists] = await Promise.all([
      client.listTasks({ completed: false, sort: ["due_date", "position"], limit: 100 }, { signal }),
      client.listLists({ limit: 100 }, { signal }),
    ]);
    return { tasks: tasks.items, lists: lists.items, all: tasks.next_cursor === null && lists.next_cursor === null };
  } catch {
    return null;
  }
}
