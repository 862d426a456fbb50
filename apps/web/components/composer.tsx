import { type FormEvent, useEffect, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useToday } from "@/hooks/use-today";
import type { Place } from "@/lib/places";
import { useServices } from "@/lib/services";
import ui from "./ui.module.css";
import styles from "./composer.module.css";

/** What a task gets that is added in a place. */
export function fieldsOf(place: Place, today: string) {
  if (place.kind === "list") return { list_id: place.id };
  return place.kind === "today" || place.kind === "upcoming" ? { due_date: today } : {};
}

interface Props {
  /** Of Upcoming. */
  day?: string;
  onAdded?: () => void;
}

/** Where a new task is typed. */
export function Composer({ day, onAdded }: Props) {
  const { actions, storage, said } = useServices();
  const { place } = useAddress();
  const today = useToday();
  const [title, setTitle] = useState("");
  const key = `composer ${day ?? ""}`;
  // A reload must not lose it.
  useEffect(() => setTitle(storage.read(key, "")), [storage, key]);

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
    onAdded?.();
  }

  return (
    <form className={styles.composer} aria-label="New task" onSubmit={submit}>
      <input data-composer aria-label="Add a task" placeholder="Add a task" autoComplete="off" value={title} onChange={(event) => type(event.target.value)} />
      <button type="submit" className={ui.primary} disabled={!title.trim()}>
        Add task
      </button>
    </form>
  );
}
