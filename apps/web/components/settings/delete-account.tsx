import { type FormEvent, useId, useState } from "react";
import { useSnapshot } from "@/hooks/use-rows";
import { deleteAccount } from "@/lib/accounts-client";
import { useServices } from "@/lib/services";
import { Dialog } from "../dialog";
import ui from "../ui.module.css";
import styles from "./settings.module.css";

/** Asks for what nobody types by accident. */
export function DeleteAccount({ onClose }: { onClose: () => void }) {
  const services = useServices();
  const { user } = services;
  const { tasks, lists } = useSnapshot();
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const id = useId();
  const phrase = user.guest ? "delete" : user.email;
  const matches = typed.trim().toLowerCase() === phrase.toLowerCase();

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!matches || busy) return;
    setBusy(true);
    setWrong("");
    const fault = await deleteAccount(services, password);
    if (!fault) return location.assign("/sign-in");
    setBusy(false);
    setWrong(fault);
  }

  const many = `${tasks.length.toLocaleString("en")} ${tasks.length === 1 ? "task" : "tasks"}`;
  const inLists = lists.length ? ` in ${lists.length} ${lists.length === 1 ? "list" : "lists"}` : "";
  return (
    <Dialog title={user.guest ? "Delete your tasks and leave?" : "Delete your account?"} onClose={busy ? undefined : onClose}>
      <p className={ui.muted}>
        {many}
        {inLists}, and everything in the trash, will be deleted for good. To keep a copy, export your tasks first.
      </p>
      <form className={styles.confirm} method="post" onSubmit={submit}>
        <label htmlFor={`${id}-phrase`}>
          To confirm, type <strong>{phrase}</strong>
        </label>
        <input id={`${id}-phrase`} className={ui.input} autoComplete="off" autoCapitalize="none" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />
        {!user.guest && (
          <>
            <label htmlFor={`${id}-password`}>Password</label>
            <input
              id={`${id}-password`}
              className={ui.input}
              type="password"
              autoComplete="current-password"
              value={password}
              aria-describedby={wrong ? `${id}-wrong` : undefined}
              onChange={(event) => setPassword(event.target.value)}
            />
          </>
        )}
        {wrong && (
          <p id={`${id}-wrong`} className={ui.fieldError} role="alert">
            {wrong}
          </p>
        )}
        <div className={ui.dialogActions}>
          <button type="button" className={ui.button} disabled={busy} onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={ui.danger} disabled={!matches || busy || (!user.guest && !password)}>
            {busy ? "Deleting…" : user.guest ? "Delete tasks" : "Delete account"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
