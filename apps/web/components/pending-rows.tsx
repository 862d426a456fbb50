import { CircleDashed, LoaderCircle, TriangleAlert } from "lucide-react";
import type { Edit } from "@/lib/edits";
import type { Unsaved } from "@/lib/outbox";
import styles from "./pending-rows.module.css";
import ui from "./ui.module.css";

interface UnsavedProps {
  unsaved: Unsaved;
  onRetry: () => void;
  onEdit: () => void;
  onDiscard: () => void;
}

/** A new task that the server does not have yet. */
export function UnsavedRow({ unsaved, onRetry, onEdit, onDiscard }: UnsavedProps) {
  const { fields, sending, error, refused } = unsaved;
  return (
    <li className={styles.row} aria-busy={sending}>
      {sending ? <LoaderCircle size={20} className={styles.spinner} /> : <CircleDashed size={20} />}
      <div className={styles.body}>
        <p>{fields.title || "Untitled"}</p>
        {/* It stays as it is while the task is sent again, and so is read out once. */}
        <p className={styles.why} role="alert">
          {error && (
            <>
              <TriangleAlert size={14} aria-hidden="true" />
              Not saved yet. {error}
            </>
          )}
        </p>
        {sending && <span className="visually-hidden">Saving…</span>}
      </div>
      {error && (
        <div className={styles.actions}>
          <button type="button" className={ui.button} {...unless(sending, refused ? onEdit : onRetry)}>
            {refused ? "Edit" : "Retry"}
          </button>
          <button type="button" className={ui.ghost} {...unless(sending, onDiscard)}>
            Discard
          </button>
        </div>
      )}
    </li>
  );
}

/** A button that is disabled for a moment, and keeps the focus meanwhile. */
function unless(busy: boolean, onClick: () => void) {
  return { "aria-disabled": busy, onClick: busy ? undefined : onClick };
}

interface OrphanProps {
  edit: Edit;
  onContinue: () => void;
  onCopy: () => void;
  onDiscard: () => void;
}

/** What was typed into a task that this list does not show. */
export function OrphanRow({ edit, onContinue, onCopy, onDiscard }: OrphanProps) {
  const why = edit.gone ? "This task was deleted elsewhere. Your version is still here." : (edit.error ?? "You have not saved your change.");
  return (
    <li className={styles.row}>
      <CircleDashed size={20} />
      <div className={styles.body}>
        <p>{edit.fields.title || edit.base.title}</p>
        <p className={styles.why} role="alert">
          <TriangleAlert size={14} aria-hidden="true" />
          {why}
        </p>
      </div>
      <div className={styles.actions}>
        <button type="button" className={ui.button} onClick={edit.gone ? onCopy : onContinue}>
          {edit.gone ? "Save as a new task" : "Continue"}
        </button>
        <button type="button" className={ui.ghost} onClick={onDiscard}>
          Discard
        </button>
      </div>
    </li>
  );
}
