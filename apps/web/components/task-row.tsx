import { ChevronRight, Sun } from "lucide-react";
import { memo, type MouseEvent, type PointerEvent, useRef } from "react";
import type { List } from "todoward-client";
import { useSwipe } from "@/hooks/use-swipe";
import type { PlaceKind } from "@/lib/places";
import { useServices } from "@/lib/services";
import type { Row } from "@/lib/views";
import { RowIcon } from "./row-icon";
import { TaskMeta } from "./task-meta";
import styles from "./task-row.module.css";

export interface RowProps {
  row: Row;
  today: string;
  zone: string;
  /** Where it stands. */
  place: PlaceKind;
  /** undefined: it has none, or that is known from where it stands. */
  list: List | undefined;
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
  const { row, today, zone, place, list, selected, open, leaving, movable, onPress, onOpen, onHandleKey } = props;
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
          <RowIcon icon="done" size={20} />
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
              <RowIcon icon="delete" size={18} />
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
              <RowIcon icon="grip" size={16} />
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
            <TaskMeta row={row} today={today} zone={zone} place={place} list={list} />
          </div>
          <button type="button" className={styles.delete} aria-label={`Delete ${title}`} title="Delete" onClick={() => actions.remove(id)}>
            <RowIcon icon="delete" size={16} />
          </button>
        </div>
      </div>
    </li>
  );
}, same);

/** Rows are made anew whenever anything changes; drawn again is what differs. The tasks are the same objects (lib/rows.ts). */
function same(one: RowProps, other: RowProps): boolean {
  const { row: a, ...rest } = one;
  const { row: b, ...others } = other;
  const keys = Object.keys(rest) as (keyof typeof rest)[];
  return (Object.keys(a) as (keyof Row)[]).every((key) => a[key] === b[key]) && keys.every((key) => rest[key] === others[key]);
}
