import { AlignLeft, TriangleAlert, Trash2 } from "lucide-react";
import { memo } from "react";
import type { Task } from "todoward-client";
import type { Edit } from "@/lib/edits";
import { TaskMeta } from "./task-meta";
import styles from "./task-row.module.css";
import ui from "./ui.module.css";

export interface RowActions {
  complete: (task: Task, completed: boolean) => void;
  edit: (task: Task) => void;
  remove: (task: Task) => void;
  filterByTag: (tag: string) => void;
  resolve: (task: Task) => void;
}

interface Props extends RowActions {
  task: Task;
  today: string;
  /** What was typed into it and is not saved. */
  unsaved?: Edit;
  /** It does not belong into this list any more, and goes. */
  leaving: boolean;
}

export const TaskRow = memo(function TaskRow({ task, today, unsaved, leaving, ...actions }: Props) {
  const { id, title, completed } = task;
  return (
    <li data-task={id} className={styles.row} data-completed={completed} data-leaving={leaving}>
      <div className={styles.clip}>
        <div className={styles.inner}>
          <input
            type="checkbox"
            className={styles.check}
            data-priority={task.priority}
            aria-label={title}
            checked={completed}
            onChange={(event) => actions.complete(task, event.target.checked)}
          />
          <div className={styles.body}>
            <button type="button" className={styles.title} aria-label={`Edit ${title}`} onClick={() => actions.edit(task)}>
              <span>{title}</span>
            </button>
            {task.description && (
              <p className={styles.notes}>
                <AlignLeft size={13} aria-hidden="true" />
                <span>{task.description}</span>
              </p>
            )}
          </div>
          <TaskMeta task={task} today={today} onTag={actions.filterByTag} />
          <button type="button" className={styles.delete} aria-label={`Delete ${title}`} title="Delete" onClick={() => actions.remove(task)}>
            <Trash2 size={16} />
          </button>
          {unsaved && !unsaved.saving && <UnsavedNote task={task} unsaved={unsaved} {...actions} />}
        </div>
      </div>
    </li>
  );
});

type NoteProps = { task: Task; unsaved: Edit } & Pick<RowActions, "edit" | "resolve">;

function UnsavedNote({ task, unsaved, ...actions }: NoteProps) {
  const conflict = unsaved.theirs !== undefined;
  const text = conflict ? "Changed elsewhere while you edited it." : (unsaved.error ?? "You have not saved your change.");
  return (
    <p className={styles.unsaved} data-failed={conflict || unsaved.error !== undefined}>
      <TriangleAlert size={14} aria-hidden="true" />
      {text}{" "}
      <button type="button" className={ui.link} onClick={() => (conflict ? actions.resolve(task) : actions.edit(task))}>
        {conflict ? "Compare" : "Continue"}
      </button>
    </p>
  );
}
