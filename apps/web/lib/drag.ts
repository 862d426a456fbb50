/** What is done with a drag: by pixels of the window. */
export interface Drag {
  /** What is shown at the pointer. */
  label: string;
  move: (x: number, y: number) => void;
  /** Where it was let go. */
  drop: (x: number, y: number) => void;
  /** A finger picked it up and let it go without moving it. */
  press?: () => void;
  /** Also after a drop. */
  end: () => void;
}

const THRESHOLD = 6;
const HOLD = 420;
/** Pixels at the edges of the window that scroll, and how far each time. */
const EDGE = 70;
const STEP = 14;

/**
 * Watches a pointer that was pressed: a mouse drags when it moves, a finger when it stays for a moment. `begin` is
 * called then.
 */
export function watchDrag(pressed: PointerEvent, begin: () => Drag | null) {
  const touch = pressed.pointerType !== "mouse";
  const { pointerId, clientX: fromX, clientY: fromY } = pressed;
  let drag: Drag | null = null;
  let far = false;
  let ghost: HTMLElement | undefined;
  let at = { x: fromX, y: fromY };
  const hold = touch ? setTimeout(start, HOLD) : undefined;
  let scrolling = 0;
  const listening = new AbortController();
  const { signal } = listening;

  function start() {
    drag = begin();
    if (!drag) return end();
    ghost = document.createElement("div");
    ghost.className = "drag-ghost";
    ghost.setAttribute("aria-hidden", "true");
    ghost.textContent = drag.label;
    document.body.append(ghost);
    document.documentElement.dataset.dragging = "true";
    scrolling = requestAnimationFrame(scroll);
    moved();
  }

  function moved() {
    if (ghost) ghost.style.translate = `${at.x + 14}px ${at.y + 10}px`;
    drag?.move(at.x, at.y);
  }

  function scroll() {
    const step = at.y < EDGE ? -STEP : at.y > window.innerHeight - EDGE ? STEP : 0;
    if (step) {
      window.scrollBy({ top: step, behavior: "instant" });
      moved();
    }
    scrolling = requestAnimationFrame(scroll);
  }

  function end() {
    clearTimeout(hold);
    cancelAnimationFrame(scrolling);
    listening.abort();
    ghost?.remove();
    delete document.documentElement.dataset.dragging;
    drag?.end();
    drag = null;
  }

  const on = <Name extends keyof WindowEventMap>(name: Name, listener: (event: WindowEventMap[Name]) => void) =>
    window.addEventListener(name, listener, { signal, capture: true, passive: false });

  on("pointermove", (event) => {
    if (event.pointerId !== pointerId) return;
    at = { x: event.clientX, y: event.clientY };
    far ||= Math.hypot(at.x - fromX, at.y - fromY) > THRESHOLD;
    if (drag) moved();
    // A finger that moves at once scrolls, or swipes.
    else if (far && touch) end();
    else if (far) start();
  });
  // Else the page would scroll along.
  on("touchmove", (event) => drag && event.preventDefault());
  on("contextmenu", (event) => drag && event.preventDefault());
  on("pointerup", (event) => {
    if (event.pointerId !== pointerId) return;
    const dropped = drag;
    if (dropped) {
      // The release is no click.
      const stop = (click: Event) => {
        click.preventDefault();
        click.stopPropagation();
      };
      window.addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", stop, { capture: true }));
      if (far) dropped.drop(event.clientX, event.clientY);
      else dropped.press?.();
    }
    end();
  });
  on("pointercancel", (event) => event.pointerId === pointerId && end());
  // Of the window, not of what had the focus.
  on("blur", (event) => event.target === window && end());
  on("keydown", (event) => {
    if (event.key !== "Escape" || !drag) return;
    event.preventDefault();
    event.stopPropagation();
    end();
  });
}

/** The nearest element around a point that has an attribute. */
export function under(x: number, y: number, attribute: string): HTMLElement | null {
  return document.elementFromPoint(x, y)?.closest<HTMLElement>(`[${attribute}]`) ?? null;
}
