import { Plus } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { useAfterClick } from "@/hooks/use-after-click";
import type { Composer as State } from "@/hooks/use-composer";
import { useSingleKeys } from "@/hooks/use-shortcuts";
import { describeDue } from "@/lib/dates";
import { PRIORITIES } from "@/lib/filters";
import styles from "./composer.module.css";
import { FieldError, MetaFields } from "./meta-fields";
import ui from "./ui.module.css";

interface Props {
  composer: State;
  today: string;
  announce: (text: string) => void;
}

/** Where a new task is typed. Shows its further fields when it is in use. */
export function Composer({ composer, today, announce }: Props) {
  const [active, setActive] = useState(false);
  const afterClick = useAfterClick();
  const singleKeys = useSingleKeys();
  const { fields, refused, quick, change } = composer;
  const open = active || !composer.empty;

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const title = composer.submit();
    if (!title) return;
    announce(`Added: ${title}`);
    // The button has nothing to add any more, and would drop the focus.
    event.currentTarget.querySelector<HTMLInputElement>("[data-composer]")?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    (document.activeElement as HTMLElement | null)?.blur();
    setActive(false);
  }

  return (
    <form
      className={styles.composer}
      aria-label="New task"
      data-open={open}
      onSubmit={submit}
      onKeyDown={onKeyDown}
      onFocus={() => setActive(true)}
      onBlur={({ currentTarget: form, relatedTarget }) => {
        if (form.contains(relatedTarget)) return;
        // What lies below moves up: not from under a click that is meant for it.
        afterClick(() => setActive(form.contains(document.activeElement)));
      }}
    >
      <div className={styles.line}>
        <Plus size={20} aria-hidden="true" />
        <input
          data-composer
          aria-label="Add a task"
          placeholder="Add a task"
          enterKeyHint="done"
          autoComplete="off"
          value={fields.title}
          onChange={(event) => change({ title: event.target.value })}
          aria-invalid={refused?.title ? true : undefined}
          aria-describedby={refused?.title ? "composer-title-error" : open ? "composer-hint" : undefined}
        />
        {!open && singleKeys && <kbd aria-hidden="true">n</kbd>}
      </div>
      {refused?.title && (
        <div className={styles.error}>
          <FieldError id="composer-title-error" name="title" text={refused.title} />
        </div>
      )}
      {open && (
        <div className={styles.more}>
          <MetaFields fields={fields} onChange={change} errors={refused} />
          <div className={styles.foot}>
            <Understood quick={quick} today={today} />
            <button type="submit" className={ui.primary} disabled={!quick.title}>
              Add task
            </button>
          </div>
        </div>
      )}
    </form>
  );
}

/** What was understood of `#tag`, `!high` and `@tomorrow`. */
function Understood({ quick, today }: { quick: State["quick"]; today: string }) {
  const { priority, due_date, tags } = quick;
  const found = [
    due_date && describeDue(due_date, today).text,
    priority && `${PRIORITIES[priority]} priority`,
    ...tags.map((tag) => `#${tag}`),
  ].filter(Boolean);
  return (
    <p id="composer-hint" className={styles.hint}>
      {found.length ? (
        <span aria-live="polite">{found.join(" · ")}</span>
      ) : (
        <>
          Try <code>#tag</code> <code>!high</code> <code>@tomorrow</code>
        </>
      )}
    </p>
  );
}
