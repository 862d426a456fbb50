import { Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Edit } from "@/lib/edits";
import type { Fields } from "@/lib/fields";
import { FieldError, MetaFields } from "./meta-fields";
import styles from "./task-editor.module.css";
import ui from "./ui.module.css";

interface Props {
  edit: Edit;
  onType: (fields: Fields) => void;
  onSave: () => void;
  onCancel: () => void;
  onDelete: () => void;
}

/** A row of the list while it is edited. */
export function TaskEditor({ edit, onType, onSave, onCancel, onDelete }: Props) {
  const { fields, refused } = edit;
  const title = useRef<HTMLInputElement>(null);
  const change = (some: Partial<Fields>) => onType({ ...fields, ...some });

  useEffect(() => title.current?.focus(), []);

  function onKeyDown(event: KeyboardEvent<HTMLFormElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
    else if (event.key === "Escape") onCancel();
    else return;
    event.preventDefault();
  }

  return (
    <li data-task={edit.base.id} className={styles.editor}>
      <form
        aria-label={`Edit ${edit.base.title}`}
        onKeyDown={onKeyDown}
        onSubmit={(event) => {
          event.preventDefault();
          onSave();
        }}
      >
        {edit.error && !refused && (
          <p role="alert" className={styles.error}>
            {edit.error} What you typed is still here.
          </p>
        )}
        <input
          ref={title}
          className={styles.title}
          aria-label="Title"
          autoComplete="off"
          value={fields.title}
          onChange={(event) => change({ title: event.target.value })}
          aria-invalid={refused?.title ? true : undefined}
          aria-describedby={refused?.title ? "editor-title-error" : undefined}
        />
        {refused?.title && <FieldError id="editor-title-error" name="title" text={refused.title} />}
        <textarea
          className={styles.notes}
          aria-label="Notes"
          placeholder="Notes"
          rows={2}
          value={fields.description}
          onChange={(event) => change({ description: event.target.value })}
          aria-invalid={refused?.description ? true : undefined}
          aria-describedby={refused?.description ? "editor-notes-error" : undefined}
        />
        {refused?.description && <FieldError id="editor-notes-error" name="description" text={refused.description} />}
        <MetaFields fields={fields} onChange={change} errors={refused} />
        <div className={styles.foot}>
          <button type="button" className={`${ui.icon} ${styles.delete}`} aria-label="Delete this task" title="Delete" onClick={onDelete}>
            <Trash2 size={17} />
          </button>
          <span className={styles.hint} aria-hidden="true">
            <kbd>Ctrl</kbd> <kbd>Enter</kbd> saves · <kbd>Esc</kbd> cancels
          </span>
          <button type="button" className={ui.ghost} onClick={onCancel}>
            Cancel
          </button>
          <button type="submit" className={ui.primary}>
            Save
          </button>
        </div>
      </form>
    </li>
  );
}
