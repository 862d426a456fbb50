import { CircleCheckBig, CloudOff, SearchX, Sparkles } from "lucide-react";
import type { ReactNode } from "react";
import { useRetry } from "@/hooks/use-retry";
import { explain } from "@/lib/messages";
import styles from "./list-states.module.css";
import ui from "./ui.module.css";

interface FailureProps {
  error: unknown;
  failedAt: number;
  baseUrl: string;
  busy: boolean;
  onRetry: () => void;
}

/** In place of the list, when there is nothing to show. */
export function ListError({ error, failedAt, baseUrl, busy, onRetry }: FailureProps) {
  const { title, text, hint, retryAfter, transient } = explain(error, baseUrl);
  const left = useRetry(failedAt, retryAfter, transient, onRetry);
  return (
    <State icon={<CloudOff size={26} />} tone="error" title={title} text={text}>
      <button type="button" className={ui.primary} onClick={onRetry} disabled={busy}>
        {busy ? "Trying…" : "Try again now"}
      </button>
      {transient && <Countdown left={left} busy={busy} />}
      {hint && (
        <details className={styles.hint}>
          <summary>For developers</summary>
          <p>{hint}</p>
        </details>
      )}
    </State>
  );
}

/** Above a list that may be out of date. */
export function StaleBanner({ error, failedAt, baseUrl, busy, onRetry }: FailureProps) {
  const { title, retryAfter, transient } = explain(error, baseUrl);
  const left = useRetry(failedAt, retryAfter, transient, onRetry);
  return (
    <div className={styles.banner} role="alert">
      <CloudOff size={16} aria-hidden="true" />
      <span>
        {title}. What you see may be out of date.
        {transient && <Countdown left={left} busy={busy} />}
      </span>
      <button type="button" className={ui.link} onClick={onRetry} disabled={busy}>
        Try now
      </button>
    </div>
  );
}

/** Not read out: it changes every second. */
function Countdown({ left, busy }: { left: number | null; busy: boolean }) {
  const text = busy || !left ? "Trying again…" : `Trying again in ${left} s`;
  return (
    <span className={styles.countdown} aria-hidden="true">
      {text}
    </span>
  );
}

export function EmptyState({ onAdd }: { onAdd: () => void }) {
  return (
    <State icon={<Sparkles size={26} />} title="Nothing to do" text="Write down the first thing that comes to mind.">
      <button type="button" className={ui.primary} onClick={onAdd}>
        Add your first task
      </button>
    </State>
  );
}

export function AllDoneState() {
  return <State icon={<CircleCheckBig size={26} />} title="All done" text="There is no open task. Enjoy it." />;
}

export function NoneDoneState() {
  return <State icon={<CircleCheckBig size={26} />} title="Nothing done yet" text="Tasks that you complete are kept here." />;
}

export function NothingFoundState({ onClear }: { onClear: () => void }) {
  return (
    <State icon={<SearchX size={26} />} title="Nothing found" text="No task fits the search and the filters.">
      <button type="button" className={ui.button} onClick={onClear}>
        Clear search and filters
      </button>
    </State>
  );
}

interface StateProps {
  icon: ReactNode;
  title: string;
  text: string;
  tone?: "error";
  children?: ReactNode;
}

function State({ icon, title, text, tone, children }: StateProps) {
  return (
    <section className={styles.state} data-tone={tone} role={tone ? "alert" : "status"}>
      <span className={styles.icon} aria-hidden="true">
        {icon}
      </span>
      <h2>{title}</h2>
      <p>{text}</p>
      {children && <div className={styles.actions}>{children}</div>}
    </section>
  );
}
