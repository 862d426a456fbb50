import { type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import ui from "./ui.module.css";

interface Props {
  /** The button's name. */
  label: string;
  icon: ReactNode;
  className?: string;
  /** Closes it. */
  children: (close: () => void) => ReactNode;
}

/** A button that opens a small menu. Arrows move in it, Escape closes it. */
export function Menu({ label, icon, className, children }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  const id = useId();

  function close() {
    popup.current?.hidePopover();
    button.current?.focus({ preventScroll: true });
  }

  // In the top layer, so that nothing cuts it off; so it must be told where its button is. It has its size only once it
  // is shown, which is after this and before it is painted.
  useLayoutEffect(() => {
    if (!open) return;
    const frame = requestAnimationFrame(() => {
      const [element, anchor] = [popup.current, button.current];
      if (!element || !anchor) return;
      const box = anchor.getBoundingClientRect();
      const { offsetWidth: width, offsetHeight: height } = element;
      const fits = box.left + width < window.innerWidth - 8;
      const below = box.bottom + 4 + height < window.innerHeight;
      element.style.left = `${fits ? box.left : Math.max(8, box.right - width)}px`;
      element.style.top = `${Math.max(8, below ? box.bottom + 4 : box.top - height - 4)}px`;
      element.querySelector<HTMLElement>("button, input, select, a")?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [open]);

  useEffect(() => {
    const element = popup.current;
    const toggled = (event: Event) => setOpen((event as ToggleEvent).newState === "open");
    element?.addEventListener("beforetoggle", toggled);
    return () => element?.removeEventListener("beforetoggle", toggled);
  }, []);

  function onKeyDown(event: React.KeyboardEvent) {
    // It closes this, and not what it stands in.
    if (event.key === "Escape") return event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target instanceof HTMLSelectElement || (event.target instanceof HTMLInputElement && event.target.type !== "radio")) return;
    event.preventDefault();
    const items = [...(popup.current?.querySelectorAll<HTMLElement>("button:not(:disabled), a, input, select") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[(at + step + items.length) % items.length]?.focus();
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        className={className ?? ui.icon}
        aria-label={label}
        title={label}
        aria-expanded={open}
        popoverTarget={id}
      >
        {icon}
      </button>
      <div ref={popup} id={id} popover="auto" className={ui.floating} onKeyDown={onKeyDown}>
        {open && <div className={ui.popup}>{children(close)}</div>}
      </div>
    </>
  );
}
