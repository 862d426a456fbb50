import "server-only";
import { headers } from "next/headers";
import { Todoward } from "todoward-client";
import { getAuth } from "./auth";
import type { FirstRows } from "./rows";
import { ownUrl } from "./server-config";

/** Milliseconds. The page is not worth more: the browser asks by itself. */
const PATIENCE = 400;

/**
 * What the page shows before the browser has asked for anything: the user's open tasks and lists. Null if Todoward does
 * not respond at once.
 */
export async function firstRows(userId: string): Promise<FirstRows | null> {
  try {
    const auth = await getAuth();
    const { token } = await auth.api.getToken({ headers: await headers() });
    const signal = AbortSignal.timeout(PATIENCE);
    const client = new Todoward({ baseUrl: ownUrl(), user: userId, token: async () => token, maxRetries: 0 });
    const [tasks, lists] = await Promise.all([
      client.listTasks({ completed: false, sort: ["due_date", "position"], limit: 100 }, { signal }),
      client.listLists({ limit: 100 }, { signal }),
    ]);
    return { tasks: tasks.items, lists: lists.items };
  } catch {
    return null;
  }
}
