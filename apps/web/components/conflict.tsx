import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { ConflictDialog } from "./conflict-dialog";

/** The conflict that waits for a decision, if there is one. */
export function Conflict() {
  const { edits } = useServices();
  const { conflict, all } = useStore(edits);
  const edit = conflict ? all[conflict] : undefined;
  if (!conflict || !edit?.theirs) return null;
  return (
    <ConflictDialog
      // Another version of theirs is another question.
      key={`${conflict} ${edit.theirs.version}`}
      edit={{ ...edit, theirs: edit.theirs }}
      onResolve={(choices) => edits.resolve(conflict, choices)}
      onLater={() => edits.showConflict(null)}
    />
  );
}
