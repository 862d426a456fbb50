import { AlignLeft, CalendarDays, Flag, Hash, TriangleAlert, Trash2 } from "lucide-react";
import { memo } from "react";
import type { Task } from "todoward-client";
import { describeDue, fullDate } from "@/lib/dates";
import type { Edit } from "@/lib/edits";
import { PRIORITIES } from "@/lib/filters";
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
          <Meta task={task} today={today} onTag={actions.filterByTag} />
          <button type="button" className={styles.delete} aria-label={`Delete ${title}`} title="Delete" onClick={() => actions.remove(task)}>
            <Trash2 size={16} />
          </button>
          {unsaved && !unsaved.saving && <UnsavedNote task={task} unsaved={unsaved} {...actions} />}
        </div>
      </div>
    </li>
  );
});

function Meta({ task, today, onTag }: { task: Task; today: string; onTag: (tag: string) => void }) {
  const { due_date, priority, tags, completed } = task;
  const due = due_date ? describeDue(due_date, today) : undefined;
  if (!due && priority === "none" && tags.length === 0) return null;
  return (
    <div className={styles.meta}>
      {tags.map((tag) => (
        <button key={tag} type="button" className={styles.tag} title={`Show tasks tagged ${tag}`} onClick={() => onTag(tag)}>
          <Hash size={12} aria-hidden="true" />
          <span>{tag}</span>
        </button>
      ))}
      {priority !== "none" && (
        <span className={styles.priority} data-priority={priority}>
          <Flag size={13} fill="currentColor" aria-hidden="true" />
          {PRIORITIES[priority]}
          <span className="visually-hidden"> priority</span>
        </span>
      )}
      {due && due_date && (
        <time className={styles.due} dateTime={due_date} title={fullDate(due_date)} data-tone={completed ? "later" : due.tone}>
          <CalendarDays size={13} aria-hidden="true" />
          <span className="visually-hidden">Due: </span>
          {completed && due.tone === "overdue" ? fullDate(due_date) : due.text}
        </time>
      )}
    </div>
  );
}

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
