import { CalendarDays, Clock, CornerDownRight, ListChecks, AlignLeft, Repeat } from "lucide-react";
import type { List } from "todoward-client";
import { describeDue, dueIn, fullDate, timeIn } from "@/lib/dates";
import { at, NO_FILTERS, type PlaceKind, PRIORITIES } from "@/lib/places";
import { useServices } from "@/lib/services";
import type { Row } from "@/lib/views";
import { Dot } from "./dot";
import { RowIcon } from "./row-icon";
import styles from "./task-meta.module.css";

interface Props {
  row: Row;
  today: string;
  zone: string;
  /** Where the row stands. */
  place: PlaceKind;
  /** undefined: it has none, or that is known from where it stands. */
  list: List | undefined;
}

/** What else there is to know about a task, in one line. */
export function TaskMeta({ row, today, zone, place, list }: Props) {
  const { task, above, subtasks, done } = row;
  const { navigation } = useServices();
  const { priority, tags, completed, completed_at, description, recurrence } = task;
  const due = dueIn(task, zone);
  const when = due ? describeDue(due.day, today) : undefined;
  const showDone = place === "done" && completed_at;
  const showDue = due && when && !showDone && !(place === "today" && when.tone === "today" && !due.time) && !(place === "upcoming" && when.tone !== "overdue" && !due.time);
  // Its group says the day.
  const dayKnown = (place === "upcoming" || place === "today") && when?.tone !== "overdue";
  const nothing = !showDue && !showDone && priority === "none" && !tags.length && !list && !above && !subtasks && !description && !recurrence;
  if (nothing) return null;
  return (
    <div className={styles.meta} data-completed={completed}>
      {showDone && (
        <time dateTime={completed_at} title={`Completed ${fullDate(completed_at.slice(0, 10))}`}>
          <span className="visually-hidden">Completed at </span>
          {timeIn(completed_at, zone)}
        </time>
      )}
      {showDue && (
        <time className={styles.due} dateTime={due.time ? `${due.day}T${due.time}` : due.day} title={fullDate(due.day)} data-tone={completed ? "later" : when.tone}>
          {dayKnown ? <Clock size={13} aria-hidden="true" /> : <CalendarDays size={13} aria-hidden="true" />}
          <span className="visually-hidden">{when.tone === "overdue" && !completed ? "Overdue: " : "Due: "}</span>
          {dueText()}
        </time>
      )}
      {recurrence && (
        <span className={styles.icon} title="Repeats">
          <Repeat size={13} aria-hidden="true" />
          <span className="visually-hidden">Repeats</span>
        </span>
      )}
      {priority !== "none" && (
        <span className={styles.priority} data-priority={priority}>
          <RowIcon icon="flag" size={12} filled />
          {PRIORITIES[priority]}
          <span className="visually-hidden"> priority</span>
        </span>
      )}
      {subtasks > 0 && (
        <span className={styles.icon}>
          <ListChecks size={14} aria-hidden="true" />
          {done}/{subtasks}
          <span className="visually-hidden"> subtasks done</span>
        </span>
      )}
      {above && (
        <span className={styles.above}>
          <CornerDownRight size={13} aria-hidden="true" />
          <span className="visually-hidden">Subtask of </span>
          <span className={styles.cut}>{above}</span>
        </span>
      )}
      {list && (
        <span className={styles.above}>
          <Dot color={list.color} size={9} />
          <span className="visually-hidden">List: </span>
          <span className={styles.cut}>{list.name}</span>
        </span>
      )}
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className={styles.tag}
          aria-label={`Show tasks tagged ${tag}`}
          onClick={() => navigation.go({ ...at({ kind: "all" }), filters: { ...NO_FILTERS, tag } })}
        >
          <RowIcon icon="tag" size={12} />
          <span className={styles.cut}>{tag}</span>
        </button>
      ))}
      {description && (
        <span className={styles.notes}>
          <AlignLeft size={13} aria-hidden="true" />
          <span className="visually-hidden">Notes: </span>
          <span className={styles.cut}>{description.slice(0, 160)}</span>
        </span>
      )}
    </div>
  );

  function dueText() {
    if (!due || !when) return null;
    const day = completed && when.tone === "overdue" ? fullDate(due.day) : when.text;
    if (!due.time) return day;
    return dayKnown ? due.time : `${day}, ${due.time}`;
  }
}
