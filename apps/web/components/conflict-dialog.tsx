import { useState } from "react";
import { fullDate } from "@/lib/dates";
import type { Edit } from "@/lib/edits";
import { changed, FIELD_LABELS, type FieldName, type Fields, fieldsOf, sameValue } from "@/lib/fields";
import { PRIORITIES } from "@/lib/filters";
import styles from "./conflict-dialog.module.css";
import { Dialog } from "./dialog";
import ui from "./ui.module.css";

export type Choices = Partial<Record<FieldName, "mine" | "theirs">>;

interface Props {
  edit: Edit & { theirs: NonNullable<Edit["theirs"]> };
  onResolve: (choices: Choices) => void;
  onLater: () => void;
}

/** Both versions of a task, field by field. */
export function ConflictDialog({ edit, onResolve, onLater }: Props) {
  const mine = edit.fields;
  const theirs = fieldsOf(edit.theirs);
  const base = fieldsOf(edit.base);
  const names = changed(mine, theirs);
  // A field that only the other side changed is theirs; the others are what was just typed.
  const [choices, setChoices] = useState<Choices>(() => {
    return Object.fromEntries(names.map((name) => [name, sameValue(mine, base, name) ? "theirs" : "mine"]));
  });
  const all = (side: "mine" | "theirs") => Object.fromEntries(names.map((name) => [name, side]));
  return (
    <Dialog title="Changed elsewhere" wide onClose={onLater}>
      <p className={ui.muted}>
        “{edit.base.title}” was changed while you edited it. Choose what shall stay
        {edit.theirs.completed !== edit.base.completed && `; it is ${edit.theirs.completed ? "done" : "open"} now`}.
      </p>
      <div className={styles.fields}>
        {names.map((name) => (
          <fieldset key={name} className={styles.field}>
            <legend>{FIELD_LABELS[name]}</legend>
            {(["mine", "theirs"] as const).map((side) => (
              <label key={side} className={styles.side}>
                <input
                  type="radio"
                  name={`conflict-${name}`}
                  checked={choices[name] === side}
                  onChange={() => setChoices({ ...choices, [name]: side })}
                />
                <span className={styles.who}>{side === "mine" ? "Yours" : "Theirs"}</span>
                <span className={styles.value}>{show(side === "mine" ? mine : theirs, name)}</span>
              </label>
            ))}
          </fieldset>
        ))}
      </div>
      <div className={ui.dialogActions}>
        <button type="button" className={`${ui.ghost} ${styles.later}`} onClick={onLater}>
          Decide later
        </button>
        <button type="button" className={ui.button} onClick={() => onResolve(all("theirs"))}>
          Take theirs
        </button>
        <button type="button" className={ui.button} onClick={() => onResolve(all("mine"))}>
          Keep mine
        </button>
        <button type="button" className={ui.primary} onClick={() => onResolve(choices)}>
          Save selection
        </button>
      </div>
    </Dialog>
  );
}

function show(fields: Fields, name: FieldName) {
  if (name === "priority") return PRIORITIES[fields.priority];
  if (name === "tags") return fields.tags.map((tag) => `#${tag}`).join(" ") || "No tags";
  if (name === "due_date") return fields.due_date ? fullDate(fields.due_date) : "No date";
  return fields[name] || "Empty";
}
