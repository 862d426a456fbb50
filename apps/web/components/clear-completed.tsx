import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { inOneLine, isOutcomeUnknown } from "@/lib/messages";
import { useServices } from "@/lib/services";
import { ClearDialog } from "./clear-dialog";
import styles from "./clear-completed.module.css";
import ui from "./ui.module.css";

export function ClearCompleted() {
  const { connection, changes, toasts } = useServices();
  const [asked, setAsked] = useState(false);
  const clear = useMutation({
    mutationFn: () => connection.client.clearCompleted(),
    onSuccess: (count) => toasts.show(`${count} completed ${count === 1 ? "task" : "tasks"} deleted`),
    onError(error) {
      const what = isOutcomeUnknown(error) ? "It is not known whether the completed tasks were deleted." : "Nothing was cleared.";
      toasts.error(`${what} ${inOneLine(error, connection.baseUrl)}`);
    },
    onSettled() {
      setAsked(false);
      changes.refreshSoon(0);
    },
  });
  return (
    <div className={styles.clear}>
      <button type="button" className={ui.ghost} onClick={() => setAsked(true)}>
        Clear completed
      </button>
      {asked && <ClearDialog busy={clear.isPending} onConfirm={() => clear.mutate()} onClose={() => setAsked(false)} />}
    </div>
  );
}
