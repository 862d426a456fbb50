import { useEffect, useEffectEvent } from "react";
import type { Composer } from "@/hooks/use-composer";
import type { useTaskActions } from "@/hooks/use-task-actions";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { OrphanRow, UnsavedRow } from "./pending-rows";
import { TaskEditor } from "./task-editor";
import { Group } from "./task-list";

interface Props {
  composer: Composer;
  /** Whether the list below has a task; absent as long as that is not known. */
  isShown: ((id: string) => boolean) | undefined;
  actions: ReturnType<typeof useTaskActions>;
}

/** Above the list: what the user typed and the server does not have. */
export function Pending({ composer, isShown, actions }: Props) {
  const { outbox, edits, changes } = useServices();
  const unsaved = useStore(outbox);
  const { open, all } = useStore(edits);
  const orphans = isShown ? Object.entries(all).filter(([id, edit]) => !edit.saving && !isShown(id)) : [];

  const takeBack = useEffectEvent((refused: (typeof unsaved)[number]) => {
    if (composer.empty) composer.takeBack(refused);
  });
  useEffect(() => {
    outbox.events = { onCreated: (task) => changes.add(task), onRefused: (refused) => takeBack(refused) };
  }, [outbox, changes]);

  if (unsaved.length + orphans.length === 0) return null;
  return (
    <Group name="Not saved yet">
      {unsaved.map((one) => (
        <UnsavedRow
          key={one.key}
          unsaved={one}
          onRetry={() => void outbox.send(one.key)}
          onEdit={() => composer.takeBack(one)}
          onDiscard={() => outbox.discard(one.key)}
        />
      ))}
      {orphans.map(([id, edit]) =>
        open === id ? (
          <TaskEditor
            key={id}
            edit={edit}
            onType={(fields) => edits.type(id, fields)}
            onSave={() => void edits.save(id)}
            onCancel={() => actions.cancelEdit(id)}
            onDelete={() => actions.deleteEdited(id)}
          />
        ) : (
          <OrphanRow
            key={id}
            edit={edit}
            onContinue={() => edits.open(edit.base)}
            onCopy={() => actions.saveAsNew(id)}
            onDiscard={() => edits.discard(id)}
          />
        ),
      )}
    </Group>
  );
}
