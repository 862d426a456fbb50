import { X } from "lucide-react";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTags } from "@/hooks/use-rows";
import { folded } from "@/lib/search";
import styles from "./tags-field.module.css";

interface Props {
  tags: readonly string[];
  onChange: (tags: string[]) => void;
}

/** Tags of a task. All that are in use anywhere are offered. */
export function TagsField({ tags, onChange }: Props) {
  const all = useTags();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(-1);
  const [focused, setFocused] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const has = new Set(tags.map(folded));
  const wanted = folded(clean(typed));
  const offered = all.filter(({ name }) => !has.has(folded(name)) && folded(name).includes(wanted)).slice(0, 8);
  const open = focused && offered.length > 0;

  function take(text: string) {
    setTyped("");
    setActive(-1);
    const tag = clean(text);
    if (!tag || has.has(folded(tag))) return;
    // As it is spelled elsewhere: #Home and #home are one tag.
    const known = all.find(({ name }) => folded(name) === folded(tag));
    onChange([...tags, known?.name ?? tag].slice(0, 50));
  }

  function remove(tag: string) {
    onChange(tags.filter((one) => one !== tag));
    // The button goes, and the focus would go with it.
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && open) {
      setActive((active + step + offered.length) % offered.length);
    } else if (event.key === "Enter" || event.key === ",") {
      take(offered[active]?.name ?? typed);
    } else if (event.key === "Backspace" && !typed && tags.length) {
      onChange(tags.slice(0, -1));
    } else if (event.key === "Escape" && typed) {
      setTyped("");
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  return (
    <div className={styles.tags}>
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
        role="combobox"
        aria-label="Tags"
        aria-expanded={open}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={open && active >= 0 ? `${id}-${active}` : undefined}
        placeholder={tags.length ? "" : "Add tags"}
        maxLength={60}
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(-1);
        }}
        onKeyDown={onKeyDown}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          take(typed);
        }}
      />
      <ul id={id} role="listbox" aria-label="Tags in use" className={styles.offer} hidden={!open}>
        {open &&
          offered.map(({ name, open }, at) => (
            <li
              key={name}
              id={`${id}-${at}`}
              role="option"
              aria-selected={at === active}
              // The field keeps the focus.
              onMouseDown={(event) => {
                event.preventDefault();
                take(name);
              }}
            >
              {name}
              <span>{open || ""}</span>
            </li>
          ))}
      </ul>
    </div>
  );
}

function clean(text: string): string {
  return text.replace(/^[#\s]+/, "").replace(/[,\s]+$/, "").normalize("NFC");
}
