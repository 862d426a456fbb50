import { useEffect, useRef } from "react";
import { at, type PlaceKind, type Priority } from "@/lib/places";
import { useServices } from "@/lib/services";
import { moveBy } from "./use-handle-keys";
import { focusedTask, focusRow, moveFocus } from "./use-row-focus";
import { useShortcuts } from "./use-shortcuts";

const GO: Record<string, Exclude<PlaceKind, "list">> = { i: "inbox", t: "today", u: "upcoming", a: "all", d: "done" };
const PRIORITY: Record<string, Priority> = { 1: "high", 2: "medium", 3: "low", 4: "none" };
/** Milliseconds between `g` and what follows it. */
const SEQUENCE = 1500;

interface Options {
  onPalette: () => void;
  onHelp: () => void;
}

/** What keys do wherever the user is. */
export function useAppShortcuts({ onPalette, onHelp }: Options) {
  const services = useServices();
  const { actions, navigation, selection, rows, day, said } = services;
  const went = useRef(0);

  useShortcuts((key, event) => {
    const ctrl = event.ctrlKey || event.metaKey;
    if (ctrl && key.toLowerCase() === "z" && !event.shiftKey) return act(() => actions.undo());
    if (ctrl) return false;
    const id = focusedTask();
    const task = id ? rows.get().byId.get(id) : undefined;
    if (event.altKey) {
      if (!task || !key.startsWith("Arrow")) return false;
      moveBy(services, task.id, key);
      requestAnimationFrame(() => focusRow(task.id));
      return true;
    }
    const now = Date.now();
    const goes = now - went.current < SEQUENCE ? GO[key] : undefined;
    went.current = key === "g" ? now : 0;
    if (key === "g") return true;
    if (goes) return act(() => navigation.go(at({ kind: goes })));
    if (key === "n" || key === "q") return act(() => focusOn("[data-composer]"));
    if (key === "/") return act(() => focusOn("[data-search]"));
    if (key === "?") return act(onHelp);
    if (key === "u") return act(() => actions.undo());
    if (key === "Escape") return escape();
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key] as 1 | -1 | undefined;
    if (step && inMenu(event.target)) return false;
    if (step && event.shiftKey) return act(() => extend(step, id));
    if (step) return act(() => moveFocus(step));
    if (!task) return false;
    const chosen = selection.get();
    const ids = chosen.has(task.id) ? [...chosen] : [task.id];
    const onButton = event.target instanceof HTMLButtonElement;
    const priority = PRIORITY[key];
    if (key === "X" || (key === "x" && event.shiftKey)) return act(() => choose(task.id));
    if (key === "x") return act(() => actions.complete(ids, !task.completed));
    if (key === "e" || (key === "Enter" && !onButton)) return act(() => navigation.openTask(task.id));
    if (key === "t") return act(() => actions.update(ids, { due_date: day.get() }, { label: "Due today", quiet: false }));
    if (priority) return act(() => actions.update(ids, { priority }, { quiet: false }));
    if (key === "Delete" || key === "Backspace") return act(() => actions.remove(ids));
    return false;
  });

  // Also while something is typed.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) onPalette();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onPalette]);

  function choose(id: string) {
    const chosen = new Set(selection.get());
    if (!chosen.delete(id)) chosen.add(id);
    selection.set(chosen);
    said.set(`${chosen.size} selected`);
  }

  function extend(step: 1 | -1, from: string | undefined) {
    const to = moveFocus(step);
    selection.set(new Set([...selection.get(), ...[from, to].filter((id) => id !== undefined)]));
    said.set(`${selection.get().size} selected`);
  }

  function escape() {
    if (document.querySelector("[popover]:popover-open")) return false;
    if (selection.get().size) selection.set(new Set());
    else if (navigation.get().task) navigation.closeTask();
    else return false;
    return true;
  }
}

function act(run: () => unknown): true {
  run();
  return true;
}

function focusOn(selector: string) {
  const found = [...document.querySelectorAll<HTMLElement>(selector)].find((one) => one.checkVisibility());
  found?.focus();
}

/** Arrows there are its own. */
function inMenu(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[popover], aside, nav") !== null;
}

