import { CalendarDays, CircleCheck, Flag, FolderInput, Hash, Trash2, X } from "lucide-react";
import type { ReactNode } from "react";
import { useLists, useSnapshot, useTags } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { addDays } from "@/lib/dates";
import { PRIORITIES, type Priority } from "@/lib/places";
import { folded } from "@/lib/search";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { Dot } from "./dot";
import { Menu } from "./menu";
import styles from "./selection-bar.module.css";
import ui from "./ui.module.css";

/** What can be done with all tasks that are chosen. */
export function SelectionBar() {
  const { selection, actions } = useServices();
  const chosen = useStore(selection);
  const { byId } = useSnapshot();
  const lists = useLists();
  const tags = useTags();
  const today = useToday();
  const tasks = [...chosen].flatMap((id) => byId.get(id) ?? []);
  const ids = tasks.map(({ id }) => id);
  if (tasks.length === 0) return null;
  const clear = () => selection.set(new Set());
  const count = tasks.length === 1 ? "1 task" : `${tasks.length} tasks`;
  const done = (run: () => void) => () => {
    run();
    clear();
  };
  const allDone = tasks.every(({ completed }) => completed);
  const item = (label: string, run: () => void, icon?: ReactNode) => (
    <button key={label} type="button" className={ui.item} onClick={done(run)}>
      {icon}
      {label}
    </button>
  );
  const due = (due_date: string | null, name: string) => item(name, () => actions.update(ids, { due_date }, { label: `Changed the due date of ${count}`, quiet: false }));
  return (
    <section className={styles.bar} aria-label="Selected tasks">
      <p role="status">
        {tasks.length} <span>selected</span>
      </p>
      <button type="button" className={styles.action} aria-label={allDone ? "Reopen" : "Complete"} title={allDone ? "Reopen" : "Complete"} onClick={done(() => actions.complete(ids, !allDone))}>
        <CircleCheck size={18} />
      </button>
      <Menu className={styles.action} label="Set due date" icon={<CalendarDays size={18} />}>
        {() => (
          <>
            {due(today, "Today")}
            {due(addDays(today, 1), "Tomorrow")}
            {due(addDays(today, 7), "Next week")}
            {due(null, "No due date")}
          </>
        )}
      </Menu>
      <Menu className={styles.action} label="Set priority" icon={<Flag size={18} />}>
        {() =>
          (Object.keys(PRIORITIES) as Priority[]).map((priority) =>
            item(priority === "none" ? "No priority" : PRIORITIES[priority], () => actions.update(ids, { priority }, { label: `Changed the priority of ${count}`, quiet: false })),
          )
        }
      </Menu>
      <Menu className={styles.action} label="Move to list" icon={<FolderInput size={18} />}>
        {() => (
          <div className={styles.scroll}>
            {item("Inbox", () => actions.move(ids, { list_id: null, parent_id: null }, { label: `Moved ${count} to Inbox`, quiet: false }), <Dot color={null} />)}
            {lists
              .filter((list) => !list.archived)
              .map((list) => item(list.name, () => actions.move(ids, { list_id: list.id, parent_id: null }, { label: `Moved ${count} to ${list.name}`, quiet: false }), <Dot color={list.color} />))}
          </div>
        )}
      </Menu>
      <Menu className={styles.action} label="Add tag" icon={<Hash size={18} />}>
        {(close) => (
          <div className={styles.scroll}>
            <form
              onSubmit={(event) => {
                event.preventDefault();
                const tag = String(new FormData(event.currentTarget).get("tag") ?? "").replace(/^[#\s]+/, "").trim();
                if (!tag) return;
                close();
                addTag(tag);
              }}
            >
              <input className={ui.input} name="tag" aria-label="Tag" placeholder="New tag" maxLength={60} autoComplete="off" />
            </form>
            {tags.map(({ name }) => item(`#${name}`, () => addTag(name)))}
          </div>
        )}
      </Menu>
      <button type="button" className={styles.action} aria-label="Delete" title="Delete" onClick={done(() => actions.remove(ids))}>
        <Trash2 size={18} />
      </button>
      <button type="button" className={styles.action} aria-label="Clear selection" title="Clear selection (Esc)" onClick={clear}>
        <X size={18} />
      </button>
    </section>
  );

  function addTag(tag: string) {
    const has = (all: readonly string[]) => all.some((one) => folded(one) === folded(tag));
    actions.update(ids, (task) => ({ tags: has(task.tags) ? task.tags : [...task.tags, tag] }), { label: `Tagged ${count} #${tag}`, quiet: false });
    clear();
  }
}
