import { CircleAlert, X } from "lucide-react";
import { useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { modals } from "@/hooks/use-modal";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import type { Toast } from "@/lib/toasts";
import styles from "./toaster.module.css";

/** The messages: in the topmost dialog if there is one, where they can be reached. */
export function Toaster() {
  const { toasts } = useServices();
  const host = useStore(modals).at(-1);
  const [settled, setSettled] = useState(host);
  // A live region is read out when something comes into it, and not if it comes with it.
  useEffect(() => {
    const timer = setTimeout(() => setSettled(host), 50);
    return () => clearTimeout(timer);
  }, [host]);
  // Its pointer and its focus go with it.
  useEffect(() => () => toasts.hold(false), [toasts, host]);
  const kept = useStore(toasts);
  const all = settled === host ? kept : [];
  const of = (tone: Toast["tone"]) =>
    all.filter((toast) => toast.tone === tone).map((toast) => <Message key={toast.id} toast={toast} onClose={() => toasts.close(toast.id)} />);
  const section = (
    <section
      className={styles.toaster}
      data-over={host !== undefined}
      aria-label="Messages"
      onPointerEnter={() => toasts.hold(true)}
      onPointerLeave={() => toasts.hold(false)}
      onFocus={() => toasts.hold(true)}
      onBlur={() => toasts.hold(false)}
    >
      <div role="alert">{of("error")}</div>
      <div role="status">{of("plain")}</div>
    </section>
  );
  return host ? createPortal(section, host) : section;
}

function Message({ toast, onClose }: { toast: Toast; onClose: () => void }) {
  const { text, tone, action } = toast;
  return (
    <div className={styles.toast} data-tone={tone}>
      {tone === "error" && <CircleAlert size={17} aria-hidden="true" />}
      <p>{text}</p>
      {action && (
        <button
          type="button"
          className={styles.action}
          onClick={() => {
            onClose();
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className={styles.close} aria-label="Close message" onClick={onClose}>
        <X size={15} />
      </button>
    </div>
  );
}
