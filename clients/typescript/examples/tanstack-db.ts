// One user's tasks as a collection of TanStack DB: what others change arrives by itself, and what is written here is
// shown at once. It keeps nothing over a reload, and a write that cannot be sent is taken back.

import type { CollectionConfig } from "@tanstack/db";
import { isProblem, type Task, type Todoward } from "todoward-client";

/** For `createCollection`. A new task needs an `id`, of `newId()`. */
export function todowardTasks(todoward: Todoward): CollectionConfig<Task, string> & { schema?: never } {
  let pull = async (): Promise<void> => {};
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
            if (since === undefined && known.size) truncate();
            if (since === undefined) known.clear();
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
        const reset = (error: unknown) => {
          if (!isProblem(error, "sync_reset")) throw error;
          since = undefined;
          return pages();
        };
        let running = Promise.resolve();
        pull = () => (running = running.catch(() => undefined).then(() => pages().catch(reset)));
        void pull().catch(markError);
        const onChanged = () => void pull().catch(() => undefined);
        todoward.subscribe({ onChanged, signal: ended.signal }).catch(markError);
        return () => ended.abort();
      },
    },
    async onInsert({ transaction }) {
      for (const { modified } of transaction.mutations) await todoward.createTask(modified, { id: modified.id });
      await pull();
    },
    async onUpdate({ transaction }) {
      for (const { key, changes } of transaction.mutations) await todoward.updateTask(String(key), changes);
      await pull();
    },
    async onDelete({ transaction }) {
      for (const { key } of transaction.mutations) await todoward.deleteTask(String(key));
      await pull();
    },
  };
}
