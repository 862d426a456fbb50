import { useServices } from "@/lib/services";
import { AuthForm } from "./auth-form";
import { Dialog } from "./dialog";
import styles from "./session-dialog.module.css";

/** Over the page, so that everything in it stays as it is. */
export function SessionDialog({ onSignedIn }: { onSignedIn: (userId: string) => void }) {
  const { user } = useServices();
  return (
    <Dialog title="Your session has expired">
      <p className={styles.text}>Sign in again to go on. Nothing that you typed is lost.</p>
      <AuthForm mode="sign-in" email={user.email} onSignedIn={onSignedIn} />
      <p className={styles.other}>
        Not {user.name}? <a href="/sign-in">Use another account</a>
      </p>
    </Dialog>
  );
}
