import { Plus } from "lucide-react";
import { useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import styles from "./add-button.module.css";
import { Composer } from "./composer";
import { Dialog } from "./dialog";

/** On a phone: adds a task from wherever one has scrolled to. */
export function AddButton() {
  const { place } = useAddress();
  const [open, setOpen] = useState(false);
  // The bar of the selection is there.
  const choosing = useStore(useServices().selection).size > 0;
  if (choosing || place.kind === "settings" || place.kind === "trash") return null;
  return (
    <>
      <button type="button" className={styles.add} aria-label="New task" onClick={() => setOpen(true)}>
        <Plus size={26} />
      </button>
      {open && (
        <Dialog title="New task" sheet onClose={() => setOpen(false)}>
          <Composer onClose={() => setOpen(false)} />
        </Dialog>
      )}
    </>
  );
}
