import { useServices } from "@/lib/services";
import { useNavigationPath } from "@/hooks/use-navigation-path";
import { AuthForm } from "./auth-form";
import { Dialog } from "./dialog";
import styles from "./session-dialog.module.css";

/** Over the page, so that everything in it stays as it is. */
export function SessionDialog() {
  const { user, signedOut, resume } = useServices();
  const path = useNavigationPath();
  function signedIn(id: string) {
    // The page of another user must have nothing of this one.
    if (id !== user.id) return location.reload();
    resume();
  }
  if (user.guest) {
    return (
      <Dialog title="Your guest session has ended" onClose={() => signedOut.set("later")}>
        <p className={styles.text}>Your tasks are still on this device, but they no longer sync. Create an account to start afresh.</p>
        <p className={styles.other}>
          <a href="/sign-up">Create an account</a>
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog title="Your session has ended" onClose={() => signedOut.set("later")}>
      <p className={styles.text}>Sign in again to keep syncing. Everything you typed is still here.</p>
      <AuthForm mode="sign-in" email={user.email} onSignedIn={signedIn} />
      <p className={styles.other}>
        Not {user.name}? <a href={`/sign-in?to=${encodeURIComponent(path)}`}>Use another account</a>
      </p>
    </Dialog>
  );
}
