import { Dialog } from "./dialog";
import ui from "./ui.module.css";

interface Props {
  pending: number;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks, where something was not sent yet. */
export function SignOutDialog({ pending, onConfirm, onClose }: Props) {
  return (
    <Dialog title="Sign out and lose unsent changes?" onClose={onClose}>
      <p className={ui.muted}>
        {pending === 1 ? "One change hasn’t" : `${pending} changes haven’t`} reached the server yet. Signing out removes your tasks
        from this device, including anything that hasn’t been sent.
      </p>
      <div className={ui.dialogActions}>
        <button type="button" className={ui.button} onClick={onClose}>
          Stay signed in
        </button>
        <button type="button" className={ui.danger} onClick={onConfirm}>
          Sign out anyway
        </button>
      </div>
    </Dialog>
  );
}
