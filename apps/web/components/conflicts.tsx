import { Suspense, useState } from "react";
import { useRows } from "@/hooks/use-rows";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import type { Disagreement } from "@/lib/undecided";
import { ConflictDialog } from "./later";
import ui from "./ui.module.css";

/** The fields of a task that wait for a decision. */
export function useDisagreements(id: string): Disagreement[] {
  const all = useStore(useServices().disagreements);
  return all.filter((one) => one.id === id);
}

export function ReviewButton({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={ui.link} onClick={() => setOpen(true)}>
        Compare
      </button>
      <Suspense>{open && <ConflictDialog id={id} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}

/** Says above every place that something waits for a decision. */
export function ConflictNotice({ className }: { className?: string }) {
  const { disagreements, navigation } = useServices();
  const all = useStore(disagreements);
  const { byId } = useRows();
  const ids = [...new Set(all.map(({ id }) => id))].filter((id) => byId.has(id));
  const [first] = ids;
  if (!first) return null;
  return (
    <div className={className} data-tone="warn">
      <p>
        {ids.length === 1 ? `“${byId.get(first)?.title}” was changed on another device, too.` : `${ids.length} tasks were changed on another device, too.`}
      </p>
      <ReviewButton key={first} id={first} />
      <button type="button" className={ui.link} onClick={() => navigation.openTask(first)}>
        Open task
      </button>
    </div>
  );
}
