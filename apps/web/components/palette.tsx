import { CalendarDays, CheckCheck, CircleHelp, Inbox, Layers, LogIn, Moon, Plus, Rows3, Search, Settings, Sun, Trash2, Undo2 } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { useModal } from "@/hooks/use-modal";
import { useSnapshot, useTags } from "@/hooks/use-rows";
import { type Address, at, NO_FILTERS, type Place } from "@/lib/places";
import { folded, matchesWords, wordsOf } from "@/lib/search";
import { useServices } from "@/lib/services";
import { Dot } from "./dot";
import styles from "./palette.module.css";

interface Item {
  key: string;
  name: string;
  group: "Go to" | "Commands" | "Lists" | "Tags" | "Tasks";
  icon: ReactNode;
  note?: string;
  run: () => void;
}

const MOST = 7;

/** Ctrl+K: every place, list, tag, task and command by a few letters. */
export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const { navigation, actions, settings } = useServices();
  const snapshot = useSnapshot();
  const tags = useTags();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // What was chosen may have taken the focus already.
  useModal(dialog, (before) => document.activeElement === document.body && before?.focus());

  const items = useMemo(() => {
    const go = (to: Address) => () => navigation.go(to);
    const place = (kind: Exclude<Place["kind"], "list">, name: string, icon: ReactNode): Item => ({ key: kind, name, group: "Go to", icon, run: go(at({ kind })) });
    const command = (name: string, icon: ReactNode, run: () => void): Item => ({ key: name, name, group: "Commands", icon, run });
    const focus = (selector: string) => () => requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus());
    const fixed: Item[] = [
      place("today", "Today", <Sun size={17} />),
      place("inbox", "Inbox", <Inbox size={17} />),
      place("upcoming", "Upcoming", <CalendarDays size={17} />),
      { ...place("upcoming", "Upcoming, month view", <CalendarDays size={17} />), key: "month", run: go({ ...at({ kind: "upcoming" }), view: "month" }) },
      place("all", "All tasks", <Layers size={17} />),
      place("done", "Done", <CheckCheck size={17} />),
      place("trash", "Trash", <Trash2 size={17} />),
      place("settings", "Settings", <Settings size={17} />),
      command("Add a task", <Plus size={17} />, () => {
        if (!document.querySelector("[data-composer]")) navigation.go(at({ kind: "inbox" }));
        focus("[data-composer]")();
      }),
      command("Search tasks", <Search size={17} />, focus("[data-search]")),
      command("Undo", <Undo2 size={17} />, () => actions.undo()),
      command("Keyboard shortcuts", <CircleHelp size={17} />, onHelp),
      command("Switch between light and dark", <Moon size={17} />, () => {
        const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (settings.get().theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
        settings.change({ theme: dark ? "light" : "dark" });
      }),
      command("Switch between compact and comfortable rows", <Rows3 size={17} />, () =>
        settings.change({ density: settings.get().density === "compact" ? "comfortable" : "compact" }),
      ),
    ];
    const lists = snapshot.lists.map((list): Item => ({ key: list.id, name: list.name, group: "Lists", icon: <Dot color={list.color} />, note: list.archived ? "Archived" : undefined, run: go(at({ kind: "list", id: list.id })) }));
    const ofTags = tags.map(({ name, open }): Item => ({ key: `#${name}`, name: `#${name}`, group: "Tags", icon: <span aria-hidden="true">#</span>, note: open ? `${open} open` : undefined, run: go({ ...at({ kind: "all" }), filters: { ...NO_FILTERS, tag: name } }) }));
    return [...fixed, ...lists, ...ofTags];
  }, [snapshot.lists, tags, navigation, actions, settings, onHelp]);

  const found = useMemo(() => {
    const words = wordsOf(typed);
    const named = items.filter(({ name }) => words.every((word) => folded(name).includes(word)));
    if (words.length === 0) return named.filter(({ group }) => group !== "Tags").slice(0, 30);
    const tasks = snapshot.tasks.filter((task) => matchesWords(task, words, snapshot.listById.get(task.list_id ?? "")?.name));
    const ofTasks = tasks.sort((a, b) => Number(a.completed) - Number(b.completed)).slice(0, MOST).map((task): Item => {
      const list = snapshot.listById.get(task.list_id ?? "");
      return { key: task.id, name: task.title, group: "Tasks", icon: <LogIn size={17} />, note: task.completed ? "Done" : (list?.name ?? "Inbox"), run: () => navigation.openTask(task.id) };
    });
    return [...named, ...ofTasks];
  }, [typed, items, snapshot, navigation]);
  const current = Math.min(active, found.length - 1);

  function choose(item: Item | undefined) {
    if (!item) return;
    onClose();
    // Behind a modal dialog nothing can be focused.
    queueMicrotask(item.run);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setActive((current + step + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter") choose(found[current]);
    else return;
    event.preventDefault();
  }

  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <dialog
      ref={dialog}
      className={styles.palette}
      aria-label="Command menu"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.inner}>
        <input
          autoFocus
          role="combobox"
          aria-label="Search places, lists, tags, tasks and commands"
          aria-expanded="true"
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={found.length ? `${id}-${current}` : undefined}
          placeholder="Type a command or search…"
          autoComplete="off"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <ul ref={list} id={id} role="listbox" aria-label="Results">
          {found.map((item, index) => (
            <li key={`${item.group} ${item.key}`} id={`${id}-${index}`} role="option" aria-selected={index === current} onClick={() => choose(item)} onMouseMove={() => setActive(index)}>
              <span className={styles.icon}>{item.icon}</span>
              <span className={styles.name}>{item.name}</span>
              <span className={styles.note}>{item.note ?? item.group}</span>
            </li>
          ))}
        </ul>
        {found.length === 0 && <p className={styles.none}>Nothing found</p>}
      </div>
    </dialog>
  );
}
