// One user's tasks as a collection of RxDB, kept on the device in RxDB's own storage. Its unit is the document: a write
// is sent as the fields in which it differs from what the server was thought to have, and the last write of a field wins.

import type { RxCollection, RxReplicationPullStreamItem, WithDeleted } from "rxdb";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { Subject } from "rxjs";
import { isProblem, type Task, type TaskPatch, type Todoward } from "todoward-client";

interface Checkpoint {
  next: string;
}

/** Starts it; a new task needs an `id`, of `newId()`. Call `cancel()` of what it gives when the user signs out. */
export function replicateTasks(collection: RxCollection<Task>, todoward: Todoward) {
  const stream$ = new Subject<RxReplicationPullStreamItem<Task, Checkpoint>>();
  const ended = new AbortController();
  const replication = replicateRxCollection<Task, Checkpoint>({
    collection,
    replicationIdentifier: `todoward-${todoward.user}`,
    deletedField: "_deleted",
    pull: {
      stream$,
      async handler(checkpoint, batchSize) {
        const documents: WithDeleted<Task>[] = [];
        let since = checkpoint?.next;
        let more = true;
        // To RxDB, fewer documents than it asked for mean that there are no more.
        while (more && documents.length < batchSize) {
          const limit = batchSize - documents.length;
          const page = await todoward.changes(since, { limit }).catch((error: unknown) => {
            // Everything comes again. What has ended meanwhile stays here until the app removes the collection.
            if (isProblem(error, "sync_reset")) return todoward.changes(undefined, { limit });
            throw error;
          });
          documents.push(...page.tasks.map((task) => ({ ...task, _deleted: task.deleted_at !== null })));
          for (const { kind, id } of page.gone) if (kind === "task") documents.push({ id, _deleted: true } as WithDeleted<Task>);
          since = page.next;
          more = page.more;
        }
        return { documents, checkpoint: { next: since! } };
      },
    },
    push: {
      batchSize: 10,
      async handler(rows) {
        // The server writes fields of its own, as `version`: RxDB takes them over as it does from a conflict.
        const masters: WithDeleted<Task>[] = [];
        for (const { assumedMasterState: before, newDocumentState } of rows) {
          const { _deleted, ...task } = newDocumentState as WithDeleted<Task>;
          const was = (field: string) => JSON.stringify(before?.[field as keyof Task]);
          const changed = Object.entries(task).filter(([field, value]) => JSON.stringify(value) !== was(field));
          const repeated = (error: unknown) => {
            if (isProblem(error, "version_mismatch")) return todoward.readTask(task.id);
            if (!isProblem(error, "task_not_found")) throw error;
            return undefined;
          };
          let row: Task | void;
          if (_deleted) row = await todoward.deleteTask(task.id).catch(repeated);
          else if (before) row = await todoward.updateTask(task.id, Object.fromEntries(changed) as TaskPatch).catch(repeated);
          else row = await todoward.createTask(task, { id: task.id }).catch(repeated);
          if (row) masters.push({ ...row, _deleted: false });
        }
        return masters;
      },
    },
  });
  todoward.subscribe({ onChanged: () => stream$.next("RESYNC"), signal: ended.signal }).catch(() => undefined);
  replication.canceled$.subscribe((canceled) => canceled && ended.abort());
  return replication;
}
