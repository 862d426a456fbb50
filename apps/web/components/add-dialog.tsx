import { Composer } from "./composer";
import { Dialog } from "./dialog";

/** Where a task is typed on a phone. */
export function AddDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="New task" sheet onClose={onClose}>
      <Composer onClose={onClose} />
    </Dialog>
  );
}
