import { SHORTCUTS, useSingleKeys } from "@/hooks/use-shortcuts";
import { Dialog } from "./dialog";
import styles from "./help-dialog.module.css";
import ui from "./ui.module.css";

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const singleKeys = useSingleKeys();
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className={styles.keys}>
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
      <p className={styles.note}>
        Keys of a single character {singleKeys ? "can be" : "are"} switched off in the account menu.
      </p>
      <h3 className={styles.quick}>While you type a task</h3>
      <p className={ui.muted}>
        <code>#tag</code>, <code>!low</code> <code>!medium</code> <code>!high</code>, and <code>@today</code>{" "}
        <code>@tomorrow</code> <code>@friday</code> <code>@2027-01-31</code>.
      </p>
      <div className={ui.dialogActions}>
        <button type="button" className={ui.button} onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
