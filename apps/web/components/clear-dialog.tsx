import { Dialog } from "./dialog";
import ui from "./ui.module.css";

interface Props {
  busy: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

export function ClearDialog({ busy, onConfirm, onClose }: Props) {
  return (
    <Dialog title="Clear completed tasks?" onClose={onClose}>
      <p className={ui.muted}>All tasks that are done are deleted for good, also those that you do not see at the moment. This cannot be undone.</p>
      <div className={ui.dialogActions}>
        <button type="button" className={ui.button} onClick={onClose}>
          Keep them
        </button>
        <button type="button" className={ui.danger} onClick={onConfirm} disabled={busy}>
          {busy ? "Clearing…" : "Clear completed"}
        </button>
      </div>
    </Dialog>
  );
}
