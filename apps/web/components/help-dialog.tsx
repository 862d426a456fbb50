import { useSingleKeys } from "@/hooks/use-shortcuts";
import { at } from "@/lib/places";
import { QUICK_ADD } from "@/lib/quick-add-help";
import { Dialog } from "./dialog";
import styles from "./help-dialog.module.css";
import { PlaceLink } from "./place-link";
import ui from "./ui.module.css";

const SHORTCUTS: [keys: string[], what: string][] = [
  [["n"], "Add a task"],
  [["/"], "Search"],
  [["Ctrl K"], "Command menu"],
  [["j", "↓"], "Next task"],
  [["k", "↑"], "Previous task"],
  [["Enter", "e"], "Open details"],
  [["x", "Space"], "Complete or reopen"],
  [["t"], "Due today"],
  [["1", "2", "3", "4"], "Set the priority, from high to none"],
  [["Delete"], "Delete"],
  [["Alt ↑", "Alt ↓"], "Move up or down"],
  [["Alt →", "Alt ←"], "Make a subtask, or move up one level"],
  [["Shift x"], "Select"],
  [["Shift ↑", "Shift ↓"], "Extend the selection"],
  [["u", "Ctrl Z"], "Undo"],
  [["g", "i t u a d"], "Go to Inbox, Today, Upcoming, All tasks, Done"],
  [["Esc"], "Close, or clear the selection"],
  [["?"], "This help"],
];

/** All keys, and what each does. */
export function Shortcuts({ className }: { className: string | undefined }) {
  return (
    <dl className={className}>
      {SHORTCUTS.map(([keys, what]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const singleKeys = useSingleKeys();
  return (
    <Dialog title="Keyboard shortcuts" wide read onClose={onClose}>
      <Shortcuts className={styles.keys} />
      <h3 className={styles.quick}>When you add a task, you can type</h3>
      <dl className={styles.keys}>
        {QUICK_ADD.map(({ what, examples }) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd className={styles.examples}>{examples.join(" · ")}</dd>
          </div>
        ))}
      </dl>
      <p className={styles.note}>
        Single-key shortcuts are {singleKeys ? "on" : "off"}. Turn them {singleKeys ? "off" : "on"} in{" "}
        <PlaceLink to={at({ kind: "settings" })} onGo={onClose}>
          Settings
        </PlaceLink>
        .
      </p>
      <div className={ui.dialogActions}>
        <button type="button" className={ui.button} onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
