"use client";

import { useState } from "react";
import { authClient } from "@/lib/auth-client";
import styles from "./auth-form.module.css";
import ui from "./ui.module.css";

/** In without an account; the tasks can be taken along to one. */
export function TryGuest({ to }: { to: string }) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");

  async function start() {
    setBusy(true);
    setFault("");
    try {
      const { error } = await authClient.signIn.anonymous();
      if (!error) return location.assign(to);
      setFault(error.status === 429 ? "Too many attempts. Wait a few seconds and try again." : "That didn’t work. Try again.");
    } catch {
      setFault("The sign-in server isn’t responding. Check your connection and try again.");
    }
    setBusy(false);
  }

  return (
    <div className={styles.guest}>
      <button type="button" className={ui.button} disabled={busy} onClick={start}>
        {busy ? "One moment…" : "Try it without an account"}
      </button>
      {fault && (
        <p className={ui.fieldError} role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
