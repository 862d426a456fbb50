import { type FormEvent, useEffect, useRef, useState } from "react";
import type { List } from "todoward-client";
import { COLORS } from "@/lib/colors";
import { useServices } from "@/lib/services";
import { Dot } from "./dot";
import styles from "./list-editor.module.css";
import ui from "./ui.module.css";

interface Props {
  /** The list that is renamed; none: a new one. */
  list?: List;
  onClose: () => void;
  onAdded?: (id: string) => void;
}

/** Name and colour of a list. */
export function ListEditor({ list, onClose, onAdded }: Props) {
  const { actions } = useServices();
  const [name, setName] = useState(list?.name ?? "");
  const [color, setColor] = useState<string | null>(list ? list.color : null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);

  function submit(event: FormEvent) {
    event.preventDefault();
    const given = name.trim();
    if (!given) return input.current?.focus();
    if (!list) return onAdded?.(actions.addList({ name: given, color }));
    const patch = { ...(given !== list.name && { name: given }), ...(color !== list.color && { color }) };
    if (Object.keys(patch).length) actions.updateList(list.id, patch);
    onClose();
  }

  const colors: (string | null)[] = [null, ...Object.keys(COLORS)];
  if (color && !colors.includes(color)) colors.push(color);
  return (
    <form
      className={styles.editor}
      aria-label={list ? `Edit list ${list.name}` : "New list"}
      onSubmit={submit}
      onPointerDown={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <input
        ref={input}
        className={ui.input}
        aria-label="List name"
        placeholder="List name"
        maxLength={200}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset className={styles.colors}>
        <legend className="visually-hidden">Colour</legend>
        {colors.map((one) => (
          <label key={one} className={styles.color} title={nameOf(one)}>
            <input type="radio" name="color" checked={color === one} onChange={() => setColor(one)} aria-label={nameOf(one)} />
            <Dot color={one} size={16} />
          </label>
        ))}
      </fieldset>
      <div className={styles.actions}>
        <button type="button" className={ui.ghost} onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className={ui.primary} disabled={!name.trim()}>
          {list ? "Save" : "Add list"}
        </button>
      </div>
    </form>
  );
}

function nameOf(color: string | null): string {
  return color === null ? "No colour" : (COLORS[color as keyof typeof COLORS] ?? color);
}
