import { LogOut, UserPlus } from "lucide-react";
import { Suspense, useEffect, useRef, useState } from "react";
import { useServices } from "@/lib/services";
import { DeleteAccount, SignOutDialog } from "./later";
import { PlaceLink } from "./place-link";
import { at } from "@/lib/places";
import ui from "./ui.module.css";
import styles from "./user-menu.module.css";

export function UserMenu() {
  const { user, rows, toasts, forget } = useServices();
  const [open, setOpen] = useState(false);
  /** How many changes were not sent when the question was asked. */
  const [asked, setAsked] = useState(0);
  /** A guest who signs out cannot come back. */
  const [leaving, setLeaving] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent && event.key !== "Escape") return;
      if (event instanceof PointerEvent && menu.current?.contains(event.target as Node)) return;
      setOpen(false);
      if (event instanceof KeyboardEvent) button.current?.focus();
    };
    document.addEventListener("keydown", close);
    document.addEventListener("pointerdown", close);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("pointerdown", close);
    };
  }, [open]);

  async function askToSignOut() {
    setOpen(false);
    if (user.guest) {
      button.current?.focus();
      return setLeaving(true);
    }
    const pending = await rows.sendNow();
    if (!pending) return signOut();
    // The dialog gives the focus back to what has it now, and the menu is gone then.
    button.current?.focus();
    setAsked(pending);
  }

  async function signOut() {
    setAsked(0);
    const { error } = await import("@/lib/auth-client").then(({ authClient }) => authClient.signOut()).catch(() => ({ error: true }));
    if (error) return toasts.error("Couldn’t sign you out: the sign-in server isn’t responding. Try again.");
    // The next user of this device must not have anything of the last one.
    await forget();
    location.assign("/sign-in");
  }

  return (
    <div className={styles.menu} ref={menu}>
      <button ref={button} type="button" className={styles.avatar} aria-expanded={open} title={user.guest ? "Guest" : user.email} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{initials(user.name)}</span>
        <span className="visually-hidden">{user.guest ? "Guest account" : `Account of ${user.name}`}</span>
      </button>
      {open && (
        <div className={styles.popup}>
          <p className={styles.name}>{user.name}</p>
          {user.guest ? (
            <>
              <p className={styles.email}>Your tasks are kept in this browser only.</p>
              <a href="/sign-up" className={ui.ghost}>
                <UserPlus size={16} aria-hidden="true" />
                Create an account
              </a>
            </>
          ) : (
            <p className={styles.email}>{user.email}</p>
          )}
          <PlaceLink to={at({ kind: "settings" })} className={ui.ghost} onGo={() => setOpen(false)}>
            Settings
          </PlaceLink>
          <button type="button" className={ui.ghost} onClick={() => void askToSignOut()}>
            <LogOut size={16} />
            {user.guest ? "Leave and delete tasks…" : "Sign out"}
          </button>
        </div>
      )}
      {leaving && (
        <Suspense>
          <DeleteAccount onClose={() => setLeaving(false)} />
        </Suspense>
      )}
      {asked > 0 && (
        <Suspense>
          <SignOutDialog pending={asked} onConfirm={() => void signOut()} onClose={() => setAsked(0)} />
        </Suspense>
      )}
    </div>
  );
}

function initials(name: string) {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}
