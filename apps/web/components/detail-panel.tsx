import { useEffect, useRef } from "react";
import { useAddress } from "@/hooks/use-address";
import { useModal } from "@/hooks/use-modal";
import { focusRow } from "@/hooks/use-row-focus";
import { useOfSnapshot, useTask } from "@/hooks/use-rows";
import { useNarrow } from "@/hooks/use-narrow";
import { useServices } from "@/lib/services";
import styles from "./detail-panel.module.css";
import { TaskDetails } from "./later";
import ui from "./ui.module.css";

/** The details of a task: beside the list where there is room, else a sheet over it. */
export function DetailPanel() {
  const { navigation } = useServices();
  const { task: id } = useAddress();
  const task = useTask(id);
  const complete = useOfSnapshot((snapshot) => snapshot.complete);
  const narrow = useNarrow(800);
  if (!id) return null;
  if (!task && !complete) return null;
  const close = () => {
    navigation.closeTask();
    // Once the panel has gone.
    setTimeout(() => focusRow(id), 60);
  };
  const content = task ? <TaskDetails task={task} onClose={close} /> : <Gone onClose={close} />;
  return narrow ? (
    <Sheet onClose={close}>{content}</Sheet>
  ) : (
    <Side id={id} onClose={close}>
      {content}
    </Side>
  );
}

function Gone({ onClose }: { onClose: () => void }) {
  return (
    <div className={styles.gone}>
      <h2>This task doesn’t exist</h2>
      <p className={ui.muted}>It may have been deleted. Look for it in the trash.</p>
      <button type="button" className={ui.button} onClick={onClose}>
        Close
      </button>
    </div>
  );
}

interface Props {
  onClose: () => void;
  children: React.ReactNode;
}

function Side({ id, onClose, children }: Props & { id: string }) {
  const panel = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // A deep link opens the page, not the keyboard of its panel.
    const opened = !first.current || document.activeElement !== document.body;
    first.current = false;
    const field = panel.current?.querySelector<HTMLElement>("textarea") ?? panel.current?.querySelector("button");
    if (opened) field?.focus({ preventScroll: true });
  }, [id]);
  return (
    <aside
      ref={panel}
      className={styles.side}
      aria-label="Details"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented || event.nativeEvent.isComposing) return;
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </aside>
  );
}

function Sheet({ onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // The row gets the focus, if the sheet was closed and not left by Back.
  useModal(dialog, () => undefined);
  useEffect(() => dialog.current?.focus(), []);
  return (
    <dialog
      ref={dialog}
      className={styles.sheet}
      tabIndex={-1}
      aria-label="Details"
      onCancel={(event) => {
        if (event.target !== dialog.current) return;
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.sheetInner}>{children}</div>
    </dialog>
  );
}
