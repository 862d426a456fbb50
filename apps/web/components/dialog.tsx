import { type ReactNode, useEffect, useId, useRef } from "react";
import { useModal } from "@/hooks/use-modal";
import ui from "./ui.module.css";

interface Props {
  title: string;
  wide?: boolean;
  /** On a phone it comes from below. */
  sheet?: boolean;
  /** It is read from its top, instead of beginning at what can be pressed first. */
  read?: boolean;
  /** Escape, or a click outside; without it the dialog stays. */
  onClose?: () => void;
  children: ReactNode;
}

/** A modal dialog, open as long as it is rendered. The browser keeps the focus inside, and gives it back. */
export function Dialog({ title, wide, sheet, read, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useModal(dialog);
  useEffect(() => {
    if (read) dialog.current?.focus();
  }, [read]);
  return (
    <dialog
      ref={dialog}
      className={ui.dialog}
      tabIndex={read ? -1 : undefined}
      data-wide={wide}
      data-sheet={sheet}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => event.target === dialog.current && isOutside(event) && onClose?.()}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** A click on the backdrop has the dialog itself as its target, like one on its padding. */
function isOutside({ currentTarget, clientX: x, clientY: y }: React.MouseEvent) {
  const box = currentTarget.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
