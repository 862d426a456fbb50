import { Plus } from "lucide-react";
import { memo, type MouseEvent, startTransition, useCallback, useEffect, useRef, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useHandleKeys } from "@/hooks/use-handle-keys";
import { useRowDrag } from "@/hooks/use-row-drag";
import { useRowFocus } from "@/hooks/use-row-focus";
import { useRows } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { useZone } from "@/hooks/use-view";
import { idle } from "@/lib/idle";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import type { Group, Row, View } from "@/lib/views";
import { Composer } from "./composer";
import styles from "./task-groups.module.css";
import { TaskRow } from "./task-row";

/** Rows that the page comes with, those that follow when it stands, in small pieces, and more as one scrolls. */
const FIRST = 30;
const PIECE = 10;
const NEXT = 120;
const MORE = 200;

/** Tasks as rows, in groups. */
export const TaskGroups = memo(function TaskGroups({ view }: { view: View }) {
  const { selection, lingering, navigation } = useServices();
  const { place, task: open } = useAddress();
  const today = useToday();
  const zone = useZone();
  const { listById } = useRows();
  const selected = useStore(selection);
  const leaving = useStore(lingering);
  const [drawn, setDrawn] = useState(FIRST);
  const [growing, setGrowing] = useState(true);
  const { groups, manual, oneList } = view;
  const all = groups.flatMap(({ rows }) => rows);
  const focus = useRowFocus(all.map(({ task }) => task.id).join(" "));
  const press = useStable(useRowDrag(groups, manual));
  const handleKey = useStable(useHandleKeys());
  const choose = useStable((row: Row, event: MouseEvent) => {
    const { id } = row.task;
    const chosen = selection.get();
    if (event.shiftKey) return selection.set(new Set([...chosen, ...between(all, anchorOf(chosen, open), id)]));
    if (event.ctrlKey || event.metaKey || (chosen.size > 0 && matchMedia("(hover: none)").matches)) return selection.set(toggled(chosen, id));
    selection.set(new Set());
    navigation.openTask(id);
  });
  // What is pressed meanwhile comes first.
  const isLess = drawn < Math.min(NEXT, all.length);
  useEffect(() => {
    if (!growing) return;
    let ended = false;
    const grow = () => (isLess ? setDrawn((before) => before + PIECE) : setGrowing(false));
    void idle(500).then(() => ended || startTransition(grow));
    return () => void (ended = true);
  }, [growing, isLess, drawn]);
  // Another place begins at its top.
  useEffect(() => setDrawn(FIRST), [place]);

  let left = growing ? drawn : Math.max(drawn, NEXT);
  return (
    <div onFocus={focus.onFocus} onBlur={focus.onBlur}>
      <p id="move-hint" hidden>
        Press Space to pick it up, then move it with the arrow keys.
      </p>
      {groups.map((group) => {
        if (left <= 0) return null;
        const shown = group.rows.slice(0, left);
        left -= Math.max(1, group.rows.length);
        return (
          <GroupSection key={group.key} group={group} days={place.kind === "upcoming"}>
            {shown.map((row) => (
              <TaskRow
                key={row.task.id}
                row={row}
                today={today}
                // Not drawn again for another zone where that says nothing.
                zone={row.task.due_time || row.task.completed_at ? zone : ""}
                place={place.kind}
                list={oneList || (manual && place.kind === "all") ? undefined : listById.get(row.task.list_id ?? "")}
                selected={selected.has(row.task.id)}
                open={open === row.task.id}
                leaving={leaving.has(row.task.id) && place.kind !== "done" && row.level === 1}
                movable={manual}
                onPress={press}
                onOpen={choose}
                onHandleKey={handleKey}
              />
            ))}
          </GroupSection>
        );
      })}
      {left < 0 && !growing && <More key={drawn} onSeen={() => setDrawn(Math.max(drawn, NEXT) + MORE)} />}
    </div>
  );
});

function GroupSection({ group, days, children }: { group: Group; days: boolean; children: React.ReactNode[] }) {
  const { key, title, overdue, day } = group;
  const [adding, setAdding] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <section className={styles.group} aria-label={title ?? "Tasks"} data-drop-day={day}>
      {title && (
        <h2 className={styles.heading} data-overdue={overdue === true}>
          {title}
          {group.rows.length > 0 && <span className={styles.count}>{group.rows.length}</span>}
        </h2>
      )}
      {children.length > 0 && (
        <ul className={styles.rows} data-rows={key}>
          {children}
        </ul>
      )}
      {days && day && (
        adding ? (
          <Composer
            day={day}
            onClose={() => {
              setAdding(false);
              requestAnimationFrame(() => button.current?.focus());
            }}
          />
        ) : (
          <button ref={button} type="button" className={styles.add} onClick={() => setAdding(true)}>
            <Plus size={16} />
            Add task
            <span className="visually-hidden"> for {title}</span>
          </button>
        )
      )}
    </section>
  );
}

function More({ onSeen }: { onSeen: () => void }) {
  const mark = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && onSeen(), { rootMargin: "900px" });
    if (mark.current) observer.observe(mark.current);
    return () => observer.disconnect();
  }, [onSeen]);
  return <div ref={mark} className={styles.more} aria-hidden="true" />;
}

/** The same function for ever, which does what the newest one does: rows need not be drawn for it. */
function useStable<Args extends unknown[], Result>(run: (...args: Args) => Result): (...args: Args) => Result {
  const newest = useRef(run);
  useEffect(() => {
    newest.current = run;
  });
  return useCallback((...args: Args) => newest.current(...args), []);
}

function toggled(chosen: ReadonlySet<string>, id: string): Set<string> {
  const now = new Set(chosen);
  if (!now.delete(id)) now.add(id);
  return now;
}

function anchorOf(chosen: ReadonlySet<string>, open: string | null): string | undefined {
  return [...chosen].at(-1) ?? open ?? undefined;
}

/** The ids from one row to another. */
function between(rows: readonly Row[], from: string | undefined, to: string): string[] {
  const ids = rows.map(({ task }) => task.id);
  const [a, b] = [ids.indexOf(from ?? to), ids.indexOf(to)];
  if (a < 0) return [to];
  return ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}
