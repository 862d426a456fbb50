import { Plus } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useSingleKeys } from "@/hooks/use-shortcuts";
import { useToday } from "@/hooks/use-today";
import type { Place } from "@/lib/places";
import { useServices } from "@/lib/services";
import styles from "./composer.module.css";
import ui from "./ui.module.css";

/** What a task gets that is added in a place. */
export function fieldsOf(place: Place, today: string) {
  if (place.kind === "list") return { list_id: place.id };
  return place.kind === "today" ? { due_date: today } : {};
}

interface Props {
  /** Of Upcoming: the day that the task gets. */
  day?: string;
  /** It was opened, and can be closed. */
  onClose?: () => void;
}

/** Where a new task is typed. */
export function Composer({ day, onClose }: Props) {
  const { actions, storage, said } = useServices();
  const { place } = useAddress();
  const today = useToday();
  const singleKeys = useSingleKeys();
  const [title, setTitle] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const key = day ? `composer ${day}` : "composer";
  // A reload must not lose it.
  useEffect(() => setTitle(storage.read(key, "")), [storage, key]);
  const opened = onClose !== undefined;
  useEffect(() => {
    if (opened) input.current?.focus();
  }, [opened]);

  function type(text: string) {
    setTitle(text);
    storage.write(key, text || undefined);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!title.trim()) return;
    actions.add({ title, ...fieldsOf(place, today), ...(day && { due_date: day }) });
    said.set(`Added: ${title.trim()}`);
    type("");
    input.current?.focus();
  }

  return (
    <form
      className={styles.composer}
      aria-label="New task"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
        event.stopPropagation();
        if (onClose) onClose();
        else input.current?.blur();
      }}
    >
      <Plus size={19} aria-hidden="true" />
      <input
        ref={input}
        data-composer
        aria-label="Add a task"
        placeholder="Add a task"
        enterKeyHint="done"
        autoComplete="off"
        maxLength={1000}
        value={title}
        onChange={(event) => type(event.target.value)}
      />
      {title ? (
        <button type="submit" className={ui.primary} disabled={!title.trim()}>
          Add task
        </button>
      ) : (
        singleKeys && !opened && <kbd aria-hidden="true">n</kbd>
      )}
      {opened && (
        <button type="button" className={ui.ghost} onClick={onClose}>
          Close
        </button>
      )}
    </form>
  );
}
