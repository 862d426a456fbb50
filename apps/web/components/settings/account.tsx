import { LogIn, Trash2 } from "lucide-react";
import { useState } from "react";
import { useServices } from "@/lib/services";
import ui from "../ui.module.css";
import { DeleteAccount } from "./delete-account";
import { Section } from "./section";
import styles from "./settings.module.css";

export function AccountSection() {
  const { user } = useServices();
  const [deleting, setDeleting] = useState(false);
  return (
    <Section title="Account">
      <div className={styles.row}>
        <div>
          <p className={styles.rowLabel}>{user.guest ? "Guest" : user.name}</p>
          <p className={styles.hint}>
            {user.guest ? "Your tasks are kept in this browser only. Create an account to keep them for good and see them everywhere." : user.email}
          </p>
        </div>
        {user.guest && (
          <a href="/sign-up" className={ui.primary}>
            <LogIn size={16} aria-hidden="true" />
            Create an account
          </a>
        )}
      </div>
      <div className={styles.row}>
        <div>
          <p className={styles.rowLabel}>{user.guest ? "Leave and delete" : "Delete account"}</p>
          <p className={styles.hint}>{user.guest ? "Deletes your tasks." : "Deletes your account and all your tasks, on every device."} This can’t be undone.</p>
        </div>
        <button type="button" className={ui.danger} onClick={() => setDeleting(true)}>
          <Trash2 size={16} aria-hidden="true" />
          Delete…
        </button>
      </div>
      {deleting && <DeleteAccount onClose={() => setDeleting(false)} />}
    </Section>
  );
}
