import { CloudOff } from "lucide-react";
import { Suspense } from "react";
import { useStatus } from "@/hooks/use-rows";
import { useOnline, usePatient } from "@/hooks/use-online";
import { explainSync } from "@/lib/messages";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { ConflictNotice } from "./conflicts";
import { RefusalNotice } from "./later";
import styles from "./notices.module.css";
import ui from "./ui.module.css";

/** What the user should know and need not act on at once: above the tasks, in the normal contrast. */
export function Notices() {
  const { refusals } = useServices();
  const refused = useStore(refusals);
  return (
    <div className={styles.notices}>
      <div role="status">
        <ConnectionNotice />
      </div>
      <ConflictNotice className={styles.notice} />
      <Suspense>
        {refused.map((refusal) => (
          <RefusalNotice key={refusal.key} refusal={refusal} />
        ))}
      </Suspense>
    </div>
  );
}

function ConnectionNotice() {
  const { signedOut, rows, connection } = useServices();
  const status = useStatus();
  const out = useStore(signedOut);
  const online = useOnline();
  const explanation = explainSync(status, online, connection.baseUrl);
  // A moment without a network is nobody's concern.
  const away = usePatient(explanation !== null);
  const waiting = status.pending === 0 ? "" : status.pending === 1 ? " 1 change is waiting to sync." : ` ${status.pending} changes are waiting to sync.`;
  if (rows.unavailable === "app") return <Notice text={`Part of Todoward couldn’t be loaded. Check your connection, then reload the page.${waiting}`} />;
  if (rows.unavailable === "storage") {
    return <Notice text={`This browser won’t store your tasks on this device. You can keep working, but keep this page open until your changes are synced.${waiting}`} />;
  }
  if (out === "later") {
    return (
      <Notice text={`You’re signed out. You can keep working here.${waiting}`}>
        <button type="button" className={ui.link} onClick={() => signedOut.set("asking")}>
          Sign in
        </button>
      </Notice>
    );
  }
  if (!away || !explanation) return null;
  return (
    <Notice text={`${explanation.text}${waiting}`} hint={explanation.hint}>
      {online && (
        <button type="button" className={ui.link} onClick={() => rows.sync()}>
          Try now
        </button>
      )}
    </Notice>
  );
}

function Notice({ text, hint, children }: { text: string; hint?: string; children?: React.ReactNode }) {
  return (
    <div className={styles.notice}>
      <CloudOff size={16} aria-hidden="true" />
      <p>{text}</p>
      {children}
      {hint && (
        <details className={styles.hint}>
          <summary>For developers</summary>
          <p>{hint}</p>
        </details>
      )}
    </div>
  );
}
