import { ChevronRight, CircleCheck, GripVertical, Sun, Trash2 } from "lucide-react";
import { memo, type MouseEvent, type PointerEvent, useRef } from "react";
import type { Task } from "todoward-client";
import { useSwipe } from "@/hooks/use-swipe";
import { useServices } from "@/lib/services";
import type { Row } from "@/lib/views";
import { TaskMeta } from "./task-meta";
import styles from "./task-row.module.css";

export interface RowProps {
  row: Row;
  today: string;
  oneList: boolean;
  selected: boolean;
  /** Its details are open. */
  open: boolean;
  /** It does not belong here any more, and goes. */
  leaving: boolean;
  /** It can be moved by its handle. */
  movable: boolean;
  onPress: (row: Row, event: PointerEvent<HTMLElement>) => void;
  onOpen: (row: Row, event: MouseEvent) => void;
  onHandleKey: (row: Row, event: React.KeyboardEvent) => void;
}

export const TaskRow = memo(function TaskRow(props: RowProps) {
  const { row, today, oneList, selected, open, leaving, movable, onPress, onOpen, onHandleKey } = props;
  const { actions, collapsed } = useServices();
  const { task, level, subtasks, nested } = row;
  const { id, title, completed } = task;
  const inner = useRef<HTMLDivElement>(null);
  const swipe = useSwipe(inner, () => actions.complete(id, !completed));

  function toggleBelow() {
    const now = new Set(collapsed.get());
    if (!now.delete(id)) now.add(id);
    collapsed.set(now);
  }

  return (
    <li
      data-task={id}
      data-level={Math.min(level, 8)}
      aria-level={level}
      className={styles.row}
      data-completed={completed}
      data-leaving={leaving}
      data-selected={selected}
      data-open={open}
    >
      <div className={styles.clip}>
        <div className={styles.behind} aria-hidden="true">
          <CircleCheck size={20} />
        </div>
        {swipe.open && (
          <div className={styles.actions}>
            <button
              type="button"
              onClick={() => {
                swipe.close();
                actions.update(id, { due_date: today }, { label: `Due today: ${title}`, quiet: false });
              }}
            >
              <Sun size={18} />
              Today
            </button>
            <button type="button" data-danger="true" onClick={() => actions.remove(id)}>
              <Trash2 size={18} />
              Delete
            </button>
          </div>
        )}
        <div
          ref={inner}
          className={styles.inner}
          {...swipe.handlers}
          onPointerDown={(event) => {
            swipe.handlers.onPointerDown(event);
            if (!swipe.open) onPress(row, event);
          }}
        >
          {movable && (
            <button
              type="button"
              className={styles.handle}
              aria-label={`Move ${title}`}
              aria-describedby="move-hint"
              title="Drag to move"
              onKeyDown={(event) => onHandleKey(row, event)}
            >
              <GripVertical size={16} />
            </button>
          )}
          {subtasks > 0 && nested && (
            <button
              type="button"
              className={styles.chevron}
              aria-expanded={!row.collapsed}
              aria-label={`Subtasks of ${title}`}
              onClick={toggleBelow}
            >
              <ChevronRight size={16} />
            </button>
          )}
          <input
            type="checkbox"
            data-check
            className={styles.check}
            data-priority={task.priority}
            aria-label={title}
            checked={completed}
            onChange={(event) => actions.complete(id, event.target.checked)}
          />
          <div className={styles.body}>
            <button type="button" className={styles.title} aria-label={`Edit ${title}`} aria-pressed={selected || undefined} onClick={(event) => onOpen(row, event)}>
              <span>{title}</span>
            </button>
            <TaskMeta row={row} today={today} oneList={oneList} />
          </div>
          <button type="button" className={styles.delete} aria-label={`Delete ${title}`} title="Delete" onClick={() => actions.remove(id)}>
            <Trash2 size={16} />
          </button>
        </div>
      </div>
    </li>
  );
}, same);

/** Rows are made anew whenever anything changes; drawn again is what differs. */
function same(one: RowProps, other: RowProps): boolean {
  const { row: a, ...rest } = one;
  const { row: b, ...others } = other;
  const keys = Object.keys(rest) as (keyof typeof rest)[];
  const equal = (key: keyof Row) => a[key] === b[key] || (key === "task" && sameTask(a.task, b.task));
  return (Object.keys(a) as (keyof Row)[]).every(equal) && keys.every((key) => rest[key] === others[key]);
}

/** The page comes with tasks; the copy of this device has the same ones, as other objects. */
function sameTask(one: Task, other: Task): boolean {
  const keys = Object.keys(other) as (keyof Task)[];
  return keys.every((key) => one[key] === other[key] || (typeof other[key] === "object" && JSON.stringify(one[key]) === JSON.stringify(other[key])));
}
