import { CalendarDays, Flag, Hash } from "lucide-react";
import type { Task } from "todoward-client";
import { describeDue, fullDate } from "@/lib/dates";
import { PRIORITIES } from "@/lib/filters";
import styles from "./task-meta.module.css";

/** Tags, priority and due date of a task, as chips. */
export function TaskMeta({ task, today, onTag }: { task: Task; today: string; onTag: (tag: string) => void }) {
  const { due_date, priority, tags, completed } = task;
  const due = due_date ? describeDue(due_date, today) : undefined;
  if (!due && priority === "none" && tags.length === 0) return null;
  return (
    <div className={styles.meta} data-completed={completed}>
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
