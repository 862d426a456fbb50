import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";

const SLOP = 10;
/** How far to the right completes, how far to the left opens, and how far it then stands open. */
const COMPLETES = 90;
const OPENS = 56;
const OPEN = 160;

/** A finger that moves a row sideways: to the right completes it, to the left shows what else can be done. */
export function useSwipe(row: RefObject<HTMLElement | null>, onComplete: () => void) {
  const [open, setOpen] = useState(false);
  const start = useRef<{ id: number; x: number; y: number; swiping: boolean } | null>(null);

  const shift = (x: number) => {
    const element = row.current;
    if (!element) return;
    element.style.translate = x ? `${x}px` : "";
    element.dataset.swipe = x > 0 ? (x > COMPLETES ? "completes" : "right") : x < 0 ? "left" : "";
  };

  // Nothing at first: each row that the page comes with would be changed, and styled anew.
  useEffect(() => {
    if (!open) return;
    shift(-OPEN);
    const elsewhere = (event: Event) => {
      if (!row.current?.parentElement?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    window.addEventListener("pointerdown", elsewhere);
    window.addEventListener("keydown", escape);
    return () => {
      shift(0);
      window.removeEventListener("pointerdown", elsewhere);
      window.removeEventListener("keydown", escape);
    };
  }, [open, row]);

  function onPointerDown(event: PointerEvent) {
    if (event.pointerType === "mouse") return;
    start.current = { id: event.pointerId, x: event.clientX, y: event.clientY, swiping: false };
  }

  function onPointerMove(event: PointerEvent) {
    const from = start.current;
    if (!from || from.id !== event.pointerId) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    if (!from.swiping) {
      if (document.documentElement.dataset.dragging || Math.abs(y) > SLOP) return void (start.current = null);
      if (Math.abs(x) < SLOP) return;
      from.swiping = true;
      row.current?.setPointerCapture(event.pointerId);
    }
    shift(Math.max(-OPEN - 20, Math.min(150, x - (open ? OPEN : 0))));
  }

  function onPointerEnd(event: PointerEvent) {
    const from = start.current;
    start.current = null;
    if (!from?.swiping) return;
    const x = event.clientX - from.x - (open ? OPEN : 0);
    // The release is no click on the row.
    const stop = (click: Event) => {
      click.preventDefault();
      click.stopPropagation();
    };
    window.addEventListener("click", stop, { capture: true, once: true });
    setTimeout(() => window.removeEventListener("click", stop, { capture: true }));
    const ended = event.type === "pointercancel";
    const opens = !ended && x < -OPENS;
    shift(opens ? -OPEN : 0);
    setOpen(opens);
    if (!ended && x > COMPLETES) onComplete();
  }

  const handlers = { onPointerDown, onPointerMove, onPointerUp: onPointerEnd, onPointerCancel: onPointerEnd };
  return { open, close: () => setOpen(false), handlers };
}
