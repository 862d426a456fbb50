import { useEffect, useEffectEvent, useRef, useState } from "react";
import type { Task } from "todoward-client";
import { TYPED, type Typed, useServices } from "@/lib/services";

const PAUSE = 400;
let edits = 0;

/**
 * The text of a task's field while it is typed. It saves itself when typing pauses, when the field is left and when the
 * page goes; all that is typed without leaving the field is one step of undo.
 */
export function useAutosave(task: Task, field: "title" | "description", valid: (text: string) => boolean = () => true) {
  const { actions, rows, disagreements, storage } = useServices();
  const { id } = task;
  const stored = task[field] ?? "";
  const [typed, setTyped] = useState<string | null>(null);
  /** What was there when typing began. */
  const base = useRef(stored);
  const edit = useRef("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  function save(text: string | null) {
    clearTimeout(timer.current);
    if (text === null || !valid(text)) return;
    const now = rows.get().byId.get(id)?.[field] ?? "";
    if (now !== base.current && now !== text) {
      // Changed elsewhere in the meantime: that stays until the user has chosen.
      disagreements.add({ key: `${id} ${field}`, id, field, local: text || null, remote: now || null });
      base.current = now;
      return setTyped(null);
    }
    actions.update(id, { [field]: text || (field === "title" ? text : null) }, { key: edit.current, quiet: true });
    // As it is stored: without space at its ends.
    base.current = rows.get().byId.get(id)?.[field] ?? "";
  }

  const leave = useEffectEvent(() => save(typed));
  const hide = useEffectEvent(() => {
    if (typed === null || !valid(typed)) return;
    storage.write(TYPED, { id, field, base: base.current, text: typed } satisfies Typed);
    save(typed);
  });
  useEffect(() => {
    const away = () => hide();
    // It was only put aside: the page and what was typed are back.
    const back = () => storage.write(TYPED, undefined);
    window.addEventListener("pagehide", away);
    window.addEventListener("pageshow", back);
    return () => {
      window.removeEventListener("pagehide", away);
      window.removeEventListener("pageshow", back);
      leave();
    };
  }, [id, field]);

  return {
    value: typed ?? stored,
    onChange(text: string) {
      if (typed === null) {
        base.current = stored;
        edit.current = `edit ${(edits += 1)}`;
      }
      setTyped(text);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => save(text), PAUSE);
    },
    onBlur() {
      save(typed);
      setTyped(null);
    },
  };
}
