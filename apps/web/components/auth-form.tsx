"use client";

import { type FormEvent, useId, useRef, useState, useSyncExternalStore } from "react";
import { authenticateGuest, type Guest } from "@/lib/accounts-client";
import { type AuthFault, authenticate, type Credentials } from "@/lib/sign-in";
import styles from "./auth-form.module.css";
import ui from "./ui.module.css";

export type AuthMode = "sign-in" | "sign-up";

interface Props {
  mode: AuthMode;
  /** The only account that will do. */
  email?: string;
  /** Where it leads. */
  to?: string;
  onSignedIn?: (userId: string) => void;
  /** Who is here without an account, and whose tasks come along. */
  guest?: Guest | undefined;
}

const never = () => () => {};

/** Whether this runs in the browser. Until it does, the browser would send a form by itself. */
const useReady = () => useSyncExternalStore(never, () => true, () => false);

export function AuthForm({ mode, email, to = "/", onSignedIn = () => location.assign(to), guest }: Props) {
  const [fault, setFault] = useState<AuthFault>();
  const [busy, setBusy] = useState(false);
  const ready = useReady();
  const form = useRef<HTMLFormElement>(null);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const value = (name: string) => String(data.get(name) ?? "").trim();
    const given: Credentials = { name: value("name"), email: email ?? value("email"), password: String(data.get("password")) };
    const missing = firstMissing(mode, given);
    if (missing) return fail(missing);
    setBusy(true);
    setFault(undefined);
    const result = guest ? await authenticateGuest(mode, given, guest) : await authenticate(mode, given);
    if (typeof result === "string") return onSignedIn(result);
    setBusy(false);
    fail(result);
  }

  function fail(what: AuthFault) {
    setFault(what);
    form.current?.querySelector<HTMLInputElement>(`[name=${what.field ?? "password"}]`)?.focus();
  }

  const field = (name: keyof Credentials) => ({ name, error: fault?.field === name ? fault.text : undefined });
  const action = mode === "sign-in" ? "Sign in" : "Create account";
  return (
    // With the button disabled, Enter sends nothing. If the form is sent by the browser all the same,
    // "post" keeps the password out of the address, and thus out of history and logs.
    <form ref={form} className={styles.form} method="post" onSubmit={submit} noValidate>
      {fault && !fault.field && (
        <p className={styles.alert} role="alert">
          {fault.text}
        </p>
      )}
      {mode === "sign-up" && <Field label="Name" {...field("name")} autoComplete="name" autoFocus />}
      {email ? (
        <p className={styles.as}>
          as <strong>{email}</strong>
          <input type="hidden" name="email" autoComplete="username" value={email} readOnly />
        </p>
      ) : (
        <Field label="E-mail" {...field("email")} type="email" autoComplete="username" autoFocus={mode === "sign-in"} />
      )}
      <Field
        label="Password"
        {...field("password")}
        type="password"
        autoComplete={mode === "sign-in" ? "current-password" : "new-password"}
        autoFocus={email !== undefined}
        hint={mode === "sign-up" ? "At least 8 characters." : undefined}
      />
      <button type="submit" className={ui.primary} disabled={busy || !ready}>
        {busy ? "One moment…" : action}
      </button>
    </form>
  );
}

function firstMissing(mode: AuthMode, { name, email, password }: Credentials): AuthFault | undefined {
  if (mode === "sign-up" && !name) return { field: "name", text: "What should we call you?" };
  if (!email) return { field: "email", text: "Enter your e-mail address." };
  return password ? undefined : { field: "password", text: "Enter your password." };
}

interface FieldProps extends React.InputHTMLAttributes<HTMLInputElement> {
  label: string;
  error?: string;
  hint?: string;
}

function Field({ label, error, hint, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={ui.input}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || hint ? `${id}-note` : undefined}
        {...input}
      />
      {error ? (
        <p id={`${id}-note`} className={ui.fieldError} role="alert">
          {error}
        </p>
      ) : (
        hint && (
          <p id={`${id}-note`} className={styles.hint}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}
