import { CalendarDays, Flag, Hash, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useEffectEvent, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useAfterClick } from "@/hooks/use-after-click";
import { fullDate } from "@/lib/dates";
import type { FieldName, Fields } from "@/lib/fields";
import { PRIORITIES, type Priority } from "@/lib/filters";
import styles from "./meta-fields.module.css";
import ui from "./ui.module.css";

interface Props {
  fields: Fields;
  onChange: (change: Partial<Fields>) => void;
  errors?: Record<string, string>;
}

/** Due date, priority and tags, of a new task or one that is edited. */
export function MetaFields({ fields, onChange, errors = {} }: Props) {
  const id = useId();
  const described = (name: FieldName) => ({
    "aria-invalid": errors[name] ? true : undefined,
    "aria-describedby": errors[name] ? `${id}-${name}` : undefined,
  });
  return (
    <div className={styles.meta}>
      <div className={styles.row}>
        <label className={styles.pill} data-set={fields.due_date !== ""}>
          <CalendarDays size={15} />
          <span className="visually-hidden">Due date</span>
          <span className={styles.day} aria-hidden="true">
            {fields.due_date ? fullDate(fields.due_date) : "Due date"}
          </span>
          <input
            type="date"
            min="1970-01-01"
            max="9999-12-31"
            value={fields.due_date}
            onChange={(event) => onChange({ due_date: event.target.value })}
            {...described("due_date")}
          />
        </label>
        <label className={styles.pill} data-set={fields.priority !== "none"} data-priority={fields.priority}>
          <Flag size={15} />
          <span className="visually-hidden">Priority</span>
          <select
            value={fields.priority}
            onChange={(event) => onChange({ priority: event.target.value as Priority })}
            {...described("priority")}
          >
            {Object.entries(PRIORITIES).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <TagsField tags={fields.tags} onChange={(tags) => onChange({ tags })} described={described("tags")} />
      </div>
      {(["due_date", "priority", "tags"] as const).map(
        (name) =>
          errors[name] && (
            <FieldError key={name} id={`${id}-${name}`} name={name} text={errors[name]} />
          ),
      )}
    </div>
  );
}

const NAMES: Record<FieldName, string> = {
  title: "The title",
  description: "The notes",
  due_date: "The due date",
  priority: "The priority",
  tags: "Tags",
};

/** The server's objection to a field, which begins with a verb. */
export function FieldError({ id, name, text }: { id: string; name: FieldName; text: string }) {
  return (
    <p id={id} className={ui.fieldError} role="alert">
      {NAMES[name]} {text}.
    </p>
  );
}

interface TagsProps {
  tags: string[];
  onChange: (tags: string[]) => void;
  described: object;
}

function TagsField({ tags, onChange, described }: TagsProps) {
  const [typed, setTyped] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const afterClick = useAfterClick();

  const take = useEffectEvent(() => {
    const tag = typed.replace(/^#/, "").trim();
    setTyped("");
    if (tag && !tags.includes(tag)) onChange([...tags, tag]);
  });

  // What is typed belongs to the form that is sent, also if the field was not left before.
  useEffect(() => {
    const form = input.current?.form;
    const onSubmit = () => flushSync(() => take());
    form?.addEventListener("submit", onSubmit, true);
    return () => form?.removeEventListener("submit", onSubmit, true);
  }, []);

  function remove(tag: string) {
    onChange(tags.filter((one) => one !== tag));
    // The button goes, and the focus would go with it.
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if ((event.key === "Enter" && typed.trim() && !event.ctrlKey && !event.metaKey) || event.key === ",") {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !typed && tags.length) {
      onChange(tags.slice(0, -1));
    }
  }

  return (
    <div className={styles.tags} data-set={tags.length > 0}>
      <Hash size={15} />
      {tags.map((tag) => (
        <span key={tag} className={styles.tag}>
          {tag}
          <button type="button" aria-label={`Remove tag ${tag}`} onClick={() => remove(tag)}>
            <X size={12} />
          </button>
        </span>
      ))}
      <input
        ref={input}
        aria-label="Tags"
        placeholder={tags.length ? "" : "Tags"}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={onKeyDown}
        // A new tag may move the button that is being clicked.
        onBlur={() => afterClick(() => take())}
        {...described}
      />
    </div>
  );
}
