import { Dialog } from "./dialog";
import ui from "./ui.module.css";

interface Props {
  unsaved: number;
  onConfirm: () => void;
  onClose: () => void;
}

export function SignOutDialog({ unsaved, onConfirm, onClose }: Props) {
  const what = unsaved === 1 ? "1 task is" : `${unsaved} tasks are`;
  return (
    <Dialog title="Sign out before everything is saved?" onClose={onClose}>
      <p className={ui.muted}>
        {what} not saved yet. If you sign out now, sign in again in this tab to go on; when the tab is closed, what is
        unsaved is lost.
      </p>
      <div className={ui.dialogActions}>
        <button type="button" className={ui.button} onClick={onClose}>
          Stay signed in
        </button>
        <button type="button" className={ui.danger} onClick={onConfirm}>
          Sign out
        </button>
      </div>
    </Dialog>
  );
}
