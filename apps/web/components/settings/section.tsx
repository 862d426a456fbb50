import { type ReactNode, useId } from "react";
import styles from "./settings.module.css";

/** A part of the settings under a heading. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

interface RowProps {
  label: string;
  hint?: string;
  children: (ids: { id: string; "aria-describedby": string | undefined }) => ReactNode;
}

/** A setting: its name at the left, what is chosen at the right. */
export function Row({ label, hint, children }: RowProps) {
  const id = useId();
  return (
    <div className={styles.row}>
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p id={`${id}-hint`} className={styles.hint}>
            {hint}
          </p>
        )}
      </div>
      {children({ id, "aria-describedby": hint ? `${id}-hint` : undefined })}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  choices: Record<Value, string>;
  onChange: (value: Value) => void;
}

/** One of a few. */
export function Choice<Value extends string>({ label, value, choices, onChange }: ChoiceProps<Value>) {
  const name = useId();
  return (
    <fieldset className={styles.row}>
      <legend>{label}</legend>
      <span className={styles.rowLabel} aria-hidden="true">
        {label}
      </span>
      <div className={styles.choices}>
        {(Object.entries(choices) as [Value, string][]).map(([one, text]) => (
          <label key={one} data-chosen={one === value}>
            <input type="radio" name={name} checked={one === value} onChange={() => onChange(one)} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
