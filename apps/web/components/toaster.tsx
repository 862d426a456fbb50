import { CircleAlert, X } from "lucide-react";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import type { Toast } from "@/lib/toasts";
import styles from "./toaster.module.css";

export function Toaster() {
  const { toasts } = useServices();
  const all = useStore(toasts);
  const of = (tone: Toast["tone"]) =>
    all.filter((toast) => toast.tone === tone).map((toast) => <Message key={toast.id} toast={toast} onClose={() => toasts.close(toast.id)} />);
  return (
    <section
      className={styles.toaster}
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
