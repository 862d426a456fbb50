// One user's tasks as a collection of TanStack DB: what others change arrives by itself, and what is written here is
// shown at once. It keeps nothing over a reload, and a write that cannot be sent is taken back.

import type { CollectionConfig, PendingMutation } from "@tanstack/db";
import { isProblem, type Task, type Todoward } from "todoward-client";

interface Sent {
  mutations: readonly PendingMutation<Task>[];
}

/** For `createCollection`. A new task needs an `id`, of `newId()`. */
export function todowardTasks(todoward: Todoward): CollectionConfig<Task, string> & { schema?: never } {
  let pull = async (): Promise<void> => {};
  const sent = (write: (one: PendingMutation<Task>) => Promise<unknown>) => async (given: { transaction: Sent }) => {
    for (const one of given.transaction.mutations) await write(one);
    await pull();
  };
  return {
    getKey: ({ id }) => id,
    sync: {
      sync({ begin, write, commit, markReady, markError, truncate }) {
        const ended = new AbortController();
        const known = new Set<string>();
        let since: string | undefined;
        const remove = (key: string) => known.delete(key) && write({ type: "delete", key });
        const pages = async () => {
          for await (const page of todoward.pagesOfChanges(since, { signal: ended.signal })) {
            begin();
            if (since === undefined) truncate({ markReady: false }), known.clear();
            for (const task of page.tasks) {
              if (task.deleted_at !== null) remove(task.id);
              else write({ type: known.has(task.id) ? "update" : "insert", value: task }), known.add(task.id);
            }
            for (const { kind, id } of page.gone) if (kind === "task") remove(id);
            void commit();
            since = page.next;
          }
          markReady();
        };
        const again = (error: unknown) => (isProblem(error, "sync_reset") ? ((since = undefined), pages()) : Promise.reject(error));
        let running = Promise.resolve();
        pull = () => (running = running.catch(() => undefined).then(() => pages().catch(again)));
        pull().catch(markError);
        const onChanged = () => void pull().catch(() => undefined);
        todoward.subscribe({ onChanged, signal: ended.signal }).catch(markError);
        return () => ended.abort();
      },
    },
    onInsert: sent(({ modified }) => todoward.createTask(modified, { id: modified.id })),
    onUpdate: sent(({ key, changes }) => todoward.updateTask(String(key), changes)),
    onDelete: sent(({ key }) => todoward.deleteTask(String(key))),
  };
}
