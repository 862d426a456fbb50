import { LogOut } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { authClient } from "@/lib/auth-client";
import { countUnsaved, useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { SignOutDialog } from "./sign-out-dialog";
import ui from "./ui.module.css";
import styles from "./user-menu.module.css";

export function UserMenu() {
  const services = useServices();
  const { user, connection, deletions, toasts, queries, singleKeys, leave } = services;
  const keysOn = useStore(singleKeys);
  const [open, setOpen] = useState(false);
  /** How many tasks were unsaved when the question was asked. */
  const [asked, setAsked] = useState(0);
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

  function askToSignOut() {
    const unsaved = countUnsaved(services);
    setOpen(false);
    if (!unsaved) return void signOut();
    // The dialog gives the focus back to what has it now, and the menu is gone then.
    button.current?.focus();
    setAsked(unsaved);
  }

  async function signOut() {
    setAsked(0);
    await deletions.commitAll();
    const { error } = await authClient.signOut().catch(() => ({ error: true }));
    if (error) return toasts.error("You are still signed in: the sign-in server does not answer. Try again.");
    // The next user of this page must not have anything of the last one.
    connection.forget();
    queries.clear();
    leave(() => location.assign("/sign-in"));
  }

  return (
    <div className={styles.menu} ref={menu}>
      <button
        ref={button}
        type="button"
        className={styles.avatar}
        aria-expanded={open}
        title={user.email}
        onClick={() => setOpen(!open)}
      >
        <span aria-hidden="true">{initials(user.name)}</span>
        <span className="visually-hidden">Account of {user.name}</span>
      </button>
      {open && (
        <div className={styles.popup}>
          <p className={styles.name}>{user.name}</p>
          <p className={styles.email}>{user.email}</p>
          <label className={styles.setting}>
            <input type="checkbox" checked={keysOn} onChange={(event) => singleKeys.set(event.target.checked)} />
            Single-key shortcuts
          </label>
          <button type="button" className={ui.ghost} onClick={askToSignOut}>
            <LogOut size={16} />
            Sign out
          </button>
        </div>
      )}
      {asked > 0 && <SignOutDialog unsaved={asked} onConfirm={signOut} onClose={() => setAsked(0)} />}
    </div>
  );
}

function initials(name: string) {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}
