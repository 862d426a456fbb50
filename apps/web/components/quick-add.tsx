import { ArrowUp, CalendarDays, Clock, List, Plus, Repeat, X } from "lucide-react";
import { type FormEvent, Fragment, type KeyboardEvent, memo, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useQuickAdd } from "@/hooks/use-quick-add";
import { useLists, useTags } from "@/hooks/use-rows";
import { useSingleKeys } from "@/hooks/use-shortcuts";
import { useToday } from "@/hooks/use-today";
import type { Part, PartKind, QuickFields } from "@/lib/language/quick-add";
import type { Place } from "@/lib/places";
import { useServices } from "@/lib/services";
import { RowIcon } from "./row-icon";
import styles from "./quick-add.module.css";
import ui from "./ui.module.css";

/** What a task gets that is added in a place. */
export function fieldsOf(place: Place, today: string) {
  if (place.kind === "list") return { list_id: place.id };
  return place.kind === "today" ? { due_date: today } : {};
}

const ICONS = {
  date: CalendarDays,
  time: Clock,
  repetition: Repeat,
  priority: ({ size }: { size: number }) => <RowIcon icon="flag" size={size} />,
  tag: ({ size }: { size: number }) => <RowIcon icon="tag" size={size} />,
  list: List,
};
const KINDS: Record<PartKind, string> = { date: "due", time: "at", repetition: "repeats", priority: "", tag: "tag", list: "in" };

interface Props {
  /** Of Upcoming: the day that the task gets. */
  day?: string;
  /** It was opened, and can be closed. */
  onClose?: () => void;
}

/** Where a new task is typed. Shows what it has understood before anything is added. */
export const QuickAdd = memo(function QuickAdd({ day, onClose }: Props) {
  const { actions, said, toasts } = useServices();
  const { place } = useAddress();
  const today = useToday();
  const singleKeys = useSingleKeys();
  const line = useQuickAdd(day ? `composer ${day}` : "composer");
  const { text, found } = line;
  const input = useRef<HTMLInputElement>(null);
  const adding = useRef(false);
  const opened = onClose !== undefined;
  useEffect(() => {
    if (opened) input.current?.focus();
  }, [opened]);
  const id = useId();
  const chips = grouped(found.parts);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!text.trim() || adding.current) return;
    adding.current = true;
    const read = line.read();
    // Without a pause, if there need not be one: the page may be about to go.
    const { fields } = read instanceof Promise ? await read : read;
    adding.current = false;
    if (!fields.title) {
      input.current?.focus();
      return toasts.error("Give the task a title, too.");
    }
    const where = day ? { due_date: day } : fieldsOf(place, today);
    const all = { ...where, ...fields };
    actions.add(all, { quiet: isShownIn(place, all, day ?? today) });
    said.set(`Added: ${fields.title}`);
    line.clear();
    input.current?.focus();
  }

  function keepWords(chip: Part[]) {
    line.keepWords(chip);
    // The button goes, and the focus would go with it.
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Escape" || event.defaultPrevented || event.nativeEvent.isComposing) return;
    event.stopPropagation();
    if (onClose) onClose();
    else input.current?.blur();
  }

  return (
    <form className={styles.composer} aria-label="New task" onSubmit={submit} onKeyDown={onKeyDown}>
      <div className={styles.line}>
        <Plus size={19} aria-hidden="true" />
        <Field input={input} value={text} parts={found.parts} describedBy={`${id}-found`} onChange={line.type} />
        {text ? (
          <button type="submit" className={ui.primary} disabled={!text.trim()}>
            <span className={styles.word}>Add task</span>
            <ArrowUp className={styles.sign} size={20} aria-hidden="true" />
          </button>
        ) : (
          singleKeys && !opened && <kbd aria-hidden="true">n</kbd>
        )}
        {opened && (
          <button type="button" className={ui.ghost} onClick={onClose}>
            <span className={styles.word}>Close</span>
            <X className={styles.sign} size={20} aria-hidden="true" />
          </button>
        )}
      </div>
      <Suggestions input={input} text={text} parts={found.parts} onPick={line.type} />
      {chips.length > 0 && (
        <ul className={styles.chips} aria-label="Understood">
          {chips.map((chip) => {
            const [first] = chip;
            const Icon = ICONS[first.kind];
            const words = chip.map(({ from, to }) => text.slice(from, to).trim()).join(" ");
            return (
              <li key={`${first.kind} ${first.label}`} className={styles.chip} data-kind={first.kind} data-label={first.label}>
                <Icon size={14} />
                <span>{first.label}</span>
                <button type="button" aria-label={`Keep “${words}” as text`} title={`Keep “${words}” as text`} onClick={() => keepWords(chip)}>
                  <X size={13} aria-hidden="true" />
                </button>
              </li>
            );
          })}
        </ul>
      )}
      <p id={`${id}-found`} className="visually-hidden">
        {spoken(chips)}
      </p>
      <Announcer text={spoken(chips)} />
    </form>
  );
});

interface FieldProps {
  input: React.RefObject<HTMLInputElement | null>;
  value: string;
  parts: Part[];
  describedBy: string;
  onChange: (text: string) => void;
}

/** A text field that marks the words that were understood. */
function Field({ input, value, parts, describedBy, onChange }: FieldProps) {
  const marks = useRef<HTMLDivElement>(null);
  const follow = () => {
    if (marks.current && input.current) marks.current.scrollLeft = input.current.scrollLeft;
  };
  // Nothing scrolls in an empty field; to ask for it would have the page laid out before it is drawn.
  useLayoutEffect(() => {
    if (value) follow();
  }, [value, parts]);
  return (
    <div className={styles.field}>
      <div ref={marks} className={styles.marks} aria-hidden="true">
        {segments(value, parts).map(({ text, kind, from }) => (kind ? <mark key={from} data-kind={kind}>{text}</mark> : <Fragment key={from}>{text}</Fragment>))}
      </div>
      <input
        ref={input}
        data-composer
        aria-label="Add a task"
        aria-describedby={describedBy}
        placeholder="Add a task"
        autoComplete="off"
        enterKeyHint="done"
        maxLength={1000}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onScroll={follow}
        onSelect={follow}
      />
    </div>
  );
}

interface SuggestionProps {
  input: React.RefObject<HTMLInputElement | null>;
  text: string;
  parts: Part[];
  onPick: (text: string) => void;
}

const MOST = 6;

/** Tags and lists that begin as the last word does: "#ho" and "/gar". */
function Suggestions({ input, text, onPick }: SuggestionProps) {
  const tags = useTags();
  const lists = useLists();
  const [dismissed, setDismissed] = useState("");
  const typed = /(?:^|\s)(?<mark>[#/])(?<start>[^\s#/]*)$/u.exec(text)?.groups;
  const mark = typed?.["mark"] ?? "";
  const start = typed?.["start"]?.toLowerCase() ?? "";
  const names = mark === "#" ? tags.map(({ name }) => name) : mark ? [...lists.filter(({ archived }) => !archived).map(({ name }) => name), "Inbox"] : [];
  const found = names.filter((name) => name.toLowerCase().startsWith(start) && name.toLowerCase() !== start).slice(0, MOST);
  const list = useRef<HTMLUListElement>(null);
  const open = found.length > 0 && dismissed !== text;

  useEffect(() => {
    const field = input.current;
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (!open || event.isComposing) return;
      if (event.key === "ArrowDown") {
        event.preventDefault();
        list.current?.querySelector("button")?.focus();
      } else if (event.key === "Escape") {
        // Closes the suggestions, and nothing else.
        event.preventDefault();
        setDismissed(text);
      }
    };
    field?.addEventListener("keydown", onKey);
    return () => field?.removeEventListener("keydown", onKey);
  }, [input, open, text]);

  function pick(name: string) {
    onPick(`${text.slice(0, text.length - start.length)}${name} `);
    input.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || (event.key === "ArrowUp" && document.activeElement === list.current?.querySelector("button"))) {
      event.preventDefault();
      input.current?.focus();
    } else if (step) {
      event.preventDefault();
      const all = [...(list.current?.querySelectorAll("button") ?? [])];
      all[Math.min(all.indexOf(document.activeElement as HTMLButtonElement) + step, all.length - 1)]?.focus();
    }
  }

  if (!open) return null;
  return (
    <ul ref={list} className={styles.suggestions} aria-label={mark === "#" ? "Tags" : "Lists"} onKeyDown={onKeyDown}>
      {found.map((name) => (
        <li key={name}>
          <button type="button" onClick={() => pick(name)}>
            <span aria-hidden="true">{mark}</span>
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Says what was understood, when the typing has paused. */
function Announcer({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSaid(text), 800);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="visually-hidden" role="status">
      {said}
    </div>
  );
}

/** One chip for each thing that was understood, however often it was said. */
function grouped(parts: Part[]): [Part, ...Part[]][] {
  const all = new Map<string, [Part, ...Part[]]>();
  for (const part of parts) {
    const key = `${part.kind} ${part.label}`;
    const group = all.get(key);
    if (group) group.push(part);
    else all.set(key, [part]);
  }
  return [...all.values()];
}

function spoken(chips: [Part, ...Part[]][]): string {
  const all = chips.map(([{ kind, label }]) => `${KINDS[kind]} ${label}`.trim());
  return all.length ? `Understood: ${all.join(", ")}.` : "";
}

function segments(text: string, parts: Part[]) {
  const all: { text: string; kind?: PartKind; from: number }[] = [];
  let at = 0;
  for (const { from, to, kind } of parts) {
    if (from > at) all.push({ text: text.slice(at, from), from: at });
    all.push({ text: text.slice(from, to), kind, from });
    at = to;
  }
  if (at < text.length) all.push({ text: text.slice(at), from: at });
  return all;
}

/** Whether a new task can be seen where it was added; else a message says that it is there. */
function isShownIn(place: Place, { due_date, list_id = null }: QuickFields, day: string): boolean {
  if (place.kind === "list") return list_id === place.id;
  if (place.kind === "inbox") return list_id === null;
  if (place.kind === "today") return due_date !== undefined && due_date <= day;
  if (place.kind === "upcoming") return due_date !== undefined;
  return place.kind === "all";
}
