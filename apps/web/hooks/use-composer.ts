import { useCallback, useEffect, useState } from "react";
import { type Fields, NO_FIELDS } from "@/lib/fields";
import type { Unsaved } from "@/lib/outbox";
import { parseQuickAdd } from "@/lib/quick-add";
import { useServices } from "@/lib/services";

interface Draft {
  fields: Fields;
  refused?: Record<string, string>;
}

const EMPTY: Draft = { fields: NO_FIELDS };

/** The task that is being typed. It is in the tab's storage, so a reload does not lose it. */
export function useComposer(today: string) {
  const { storage, outbox } = useServices();
  const [draft, setDraft] = useState(() => storage.read<Draft>("composer", EMPTY));
  const empty = isEmpty(draft.fields);
  useEffect(() => storage.write("composer", empty ? undefined : draft), [storage, draft, empty]);

  const change = useCallback((some: Partial<Fields>) => {
    setDraft(({ fields, refused }) => ({
      fields: { ...fields, ...some },
      refused: refused && Object.fromEntries(Object.entries(refused).filter(([name]) => !(name in some))),
    }));
  }, []);

  const quick = parseQuickAdd(draft.fields.title, today);
  const merged: Fields = {
    ...draft.fields,
    title: quick.title,
    priority: quick.priority ?? draft.fields.priority,
    due_date: quick.due_date ?? draft.fields.due_date,
    tags: [...new Set([...draft.fields.tags, ...quick.tags])],
  };

  /** Sends the task on its way, and is ready for the next one. */
  function submit(): string | undefined {
    if (!merged.title) return undefined;
    outbox.add(merged);
    setDraft(EMPTY);
    return merged.title;
  }

  /** Takes back what the server refused, to be mended. What is being typed changes places with it. */
  function takeBack({ key, fields, refused }: Unsaved) {
    outbox.discard(key);
    if (!empty) outbox.putAside(draft.fields, draft.refused);
    setDraft({ fields, refused });
  }

  return { ...draft, empty, quick, change, submit, takeBack };
}

export type Composer = ReturnType<typeof useComposer>;

function isEmpty(fields: Fields) {
  return JSON.stringify(fields) === JSON.stringify(NO_FIELDS);
}
