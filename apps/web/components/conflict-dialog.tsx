import { useState } from "react";
import type { TaskPatch } from "todoward-client";
import { useSnapshot } from "@/hooks/use-rows";
import { fullDate } from "@/lib/dates";
import { PRIORITIES } from "@/lib/places";
import { inWords, type Recurrence } from "@/lib/language/repetition";
import { useServices } from "@/lib/services";
import styles from "./conflict-dialog.module.css";
import { useDisagreements } from "./conflicts";
import { Dialog } from "./dialog";
import ui from "./ui.module.css";

const LABELS: Record<string, string> = {
  title: "Title",
  description: "Notes",
  completed: "Done",
  priority: "Priority",
  due_date: "Due date",
  due_time: "Due time",
  time_zone: "Time zone",
  recurrence: "Repeat",
  tags: "Tags",
  list_id: "List",
  parent_id: "Parent task",
};

/** Both versions of a task, field by field. What is there is what the other device wrote. */
export function ConflictDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { actions, disagreements } = useServices();
  const { byId, listById } = useSnapshot();
  const fields = useDisagreements(id);
  const [choices, setChoices] = useState<Record<string, "mine" | "theirs">>({});
  const task = byId.get(id);
  const choiceOf = (field: string) => choices[field] ?? "mine";

  function decide(side?: "mine" | "theirs") {
    const mine = fields.filter(({ field }) => (side ?? choiceOf(field)) === "mine");
    if (task && mine.length) {
      const patch = Object.fromEntries(mine.map(({ field, local }) => [field, local])) as TaskPatch;
      actions.update(id, patch, { label: `Kept your version of “${task.title}”`, quiet: false });
    }
    for (const { key } of fields) disagreements.remove(key);
    onClose();
  }

  function show(field: string, value: unknown): string {
    if (field === "priority") return PRIORITIES[value as keyof typeof PRIORITIES];
    if (field === "tags") return (value as string[]).map((tag) => `#${tag}`).join(" ") || "No tags";
    if (field === "due_date") return value ? fullDate(String(value)) : "No date";
    if (field === "recurrence") return value ? inWords(value as Recurrence) : "Doesn’t repeat";
    if (field === "list_id") return listById.get(String(value))?.name ?? "Inbox";
    return value === null || value === "" ? "Empty" : String(value);
  }

  if (fields.length === 0) return null;
  return (
    <Dialog title="Changed on another device" wide onClose={onClose}>
      <p className={ui.muted}>“{task?.title ?? "This task"}” was changed in two places. Choose what to keep.</p>
      <div className={styles.fields}>
        {fields.map(({ field, local, remote }) => (
          <fieldset key={field} className={styles.field}>
            <legend>{LABELS[field] ?? field}</legend>
            {(["mine", "theirs"] as const).map((side) => (
              <label key={side} className={styles.side}>
                <input
                  type="radio"
                  name={`conflict-${field}`}
                  checked={choiceOf(field) === side}
                  onChange={() => setChoices({ ...choices, [field]: side })}
                />
                <span className={styles.who}>{side === "mine" ? "This device" : "Other device"}</span>
                <span className={styles.value}>{show(field, side === "mine" ? local : remote)}</span>
              </label>
            ))}
          </fieldset>
        ))}
      </div>
      <div className={ui.dialogActions}>
        <button type="button" className={`${ui.ghost} ${styles.later}`} onClick={onClose}>
          Decide later
        </button>
        {fields.length > 1 && (
          <>
            <button type="button" className={ui.button} onClick={() => decide("theirs")}>
              Use other device’s
            </button>
            <button type="button" className={ui.button} onClick={() => decide("mine")}>
              Use this device’s
            </button>
          </>
        )}
        <button type="button" className={ui.primary} onClick={() => decide()}>
          Save choice
        </button>
      </div>
    </Dialog>
  );
}
