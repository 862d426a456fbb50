import { useEffectEvent, useLayoutEffect } from "react";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";

/** Whether keys that are single characters act; who dictates, for one, would press them by speaking. */
export function useSingleKeys() {
  return useStore(useServices().settings).singleKeys;
}

/** Keys for the whole page; never while something is typed, or behind a dialog. */
export function useShortcuts(act: (key: string, event: KeyboardEvent) => boolean) {
  const singleKeys = useSingleKeys();
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (event.key.length === 1 && !modified && !singleKeys) return;
    if (event.key.startsWith("Arrow") && isRadio(event.target)) return;
    if (act(event.key, event)) event.preventDefault();
  });
  // Before the page is painted: what can be seen can be pressed.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

function isTyping(target: EventTarget | null) {
  if (!(target instanceof HTMLElement)) return false;
  const isText = target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  return isText || target.isContentEditable;
}

const isRadio = (target: EventTarget | null) => target instanceof HTMLInputElement && target.type === "radio";
