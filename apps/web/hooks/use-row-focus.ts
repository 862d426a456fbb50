import { useCallback, useLayoutEffect, useRef } from "react";

const ROW = "[data-task]";

/**
 * Keeps the keyboard in the list: moves through it, and stays in it when a row goes. `shown` are the ids of the rows
 * with spaces between.
 */
export function useRowFocus(shown: string) {
  const last = useRef<{ id: string; index: number } | null>(null);

  const onFocus = useCallback((event: React.FocusEvent) => {
    const id = rowOf(event.target)?.dataset.task;
    if (id) last.current = { id, index: indexOf(id) };
  }, []);

  useLayoutEffect(() => {
    if (!last.current) return;
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (!lost || document.querySelector("dialog[open]")) return;
    // A row that was moved to another group was made anew there.
    const { id, index } = last.current;
    const ids = shown ? shown.split(" ") : [];
    if (ids.includes(id)) focusRow(id);
    else if (ids.length) focusRow(ids[Math.min(index, ids.length - 1)]);
    else document.querySelector<HTMLElement>("h1")?.focus();
  }, [shown]);

  /** Clicks elsewhere give the keyboard back. */
  const onBlur = useCallback((event: React.FocusEvent) => {
    if (event.relatedTarget && !rowOf(event.relatedTarget)) last.current = null;
  }, []);

  return { onFocus, onBlur };
}

/** The keyboard goes to the next row, or the one before. Gives its id. */
export function moveFocus(step: 1 | -1): string | undefined {
  const all = rows();
  const row = rowOf(document.activeElement);
  const from = row ? all.indexOf(row) : step === 1 ? -1 : all.length;
  const id = all[Math.max(0, Math.min(from + step, all.length - 1))]?.dataset.task;
  focusRow(id);
  return id;
}

export function focusRow(id: string | undefined) {
  const row = rows().find((one) => one.dataset.task === id);
  row?.querySelector<HTMLElement>("[data-check]")?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

export function focusedTask(): string | undefined {
  return rowOf(document.activeElement)?.dataset.task;
}

const rows = () => [...document.querySelectorAll<HTMLElement>(ROW)];
const indexOf = (id: string) => rows().findIndex((row) => row.dataset.task === id);
const rowOf = (target: EventTarget | null) => (target instanceof Element ? target.closest<HTMLElement>(ROW) : null);
