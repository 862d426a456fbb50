import { type RefObject, useEffect } from "react";
import { Store } from "@/lib/store";

/** The modal dialogs that are open, the topmost last: nothing outside of it can be reached. */
export const modals = new Store<readonly HTMLDialogElement[]>([]);

/** Shows a dialog as long as it is rendered; then gives the focus back to what had it. */
export function useModal(dialog: RefObject<HTMLDialogElement | null>, giveBack: (before: HTMLElement | null) => void = (before) => before?.focus()) {
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    modals.set([...modals.get(), element]);
    return () => {
      modals.set(modals.get().filter((one) => one !== element));
      element.close();
      giveBack(before);
    };
  }, []);
}
