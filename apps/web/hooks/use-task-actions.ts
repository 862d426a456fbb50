import { useMemo } from "react";
import type { Task } from "todoward-client";
import type { RowActions } from "@/components/task-row";
import { changed, createBody, fieldsOf } from "@/lib/fields";
import type { Filters } from "@/lib/filters";
import { inOneLine, isOutcomeUnknown } from "@/lib/messages";
import { type Services, useServices } from "@/lib/services";

/** What can be done with a task in the list. */
export function useTaskActions(announce: (text: string) => void, filter: (change: Partial<Filters>) => void) {
  const services = useServices();
  return useMemo(() => makeActions(services, announce, filter), [services, announce, filter]);
}

function makeActions(services: Services, announce: (text: string) => void, filter: (change: Partial<Filters>) => void) {
  const { connection, changes, deletions, edits, outbox, toasts } = services;

  async function complete(task: Task, completed: boolean) {
    announce(`${completed ? "Completed" : "Opened again"}: ${task.title}`);
    try {
      // No condition: to complete a task is right whatever else was changed in it.
      await changes.run({ id: task.id, patch: { completed } });
    } catch (error) {
      const [before, after] = completed ? ["open", "done"] : ["done", "open"];
      const what = isOutcomeUnknown(error) ? `It is not known whether “${task.title}” is ${after}.` : `“${task.title}” is still ${before}.`;
      toasts.error(`${what} ${inOneLine(error, connection.baseUrl)}`, { label: "Try again", run: () => void complete(task, completed) });
    }
  }

  const rows: RowActions = {
    complete,
    edit: (task) => edits.open(task),
    remove: (task) => deletions.delete(task),
    filterByTag: (tag) => filter({ tag }),
    resolve: (task) => edits.showConflict(task.id),
  };

  /** Ends an edit without saving; what was typed can be brought back for a while. */
  function cancelEdit(id: string) {
    const edit = edits.get().all[id];
    edits.discard(id);
    if (!edit || changed(fieldsOf(edit.base), edit.fields).length === 0) return;
    toasts.show("Change discarded", { action: { label: "Undo", run: () => edits.restore(edit) } });
  }

  /** A task that was deleted elsewhere lives on as a new one. */
  function saveAsNew(id: string) {
    const edit = edits.get().all[id];
    if (edit && createBody(edit.fields).title) outbox.add(edit.fields);
    edits.discard(id);
  }

  /** Deletes a task whose editor is open. */
  function deleteEdited(id: string) {
    const edit = edits.get().all[id];
    edits.discard(id);
    if (edit) deletions.delete(edit.base);
  }

  return { rows, cancelEdit, deleteEdited, saveAsNew };
}
