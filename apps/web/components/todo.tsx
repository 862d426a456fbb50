import { useCallback, useState } from "react";
import { useComposer } from "@/hooks/use-composer";
import { useFilters } from "@/hooks/use-filters";
import { focusedTask, focusRow, useRowFocus } from "@/hooks/use-row-focus";
import { useShortcuts } from "@/hooks/use-shortcuts";
import { useTaskActions } from "@/hooks/use-task-actions";
import { useTasks } from "@/hooks/use-tasks";
import { useToday } from "@/hooks/use-today";
import { longDay } from "@/lib/dates";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import type { Theme } from "@/lib/theme";
import { Composer } from "./composer";
import { Conflict } from "./conflict";
import { Header } from "./header";
import { HelpDialog } from "./help-dialog";
import layout from "./layout.module.css";
import { TaskArea } from "./task-area";
import { Toolbar } from "./toolbar";

export function Todo({ theme }: { theme: Theme }) {
  const { deletions, edits } = useServices();
  const today = useToday();
  const [filters, setFilters] = useFilters();
  const list = useTasks(filters, today);
  const composer = useComposer(today);
  const [help, setHelp] = useState(false);
  const [said, announce] = useState("");
  const actions = useTaskActions(announce, setFilters);
  const { open } = useStore(edits);
  const shown = [...list.justAdded, ...list.tasks];
  const focus = useRowFocus(shown.map(({ id }) => id).join(" "), open);
  const tags = useTags(shown.flatMap((task) => task.tags));

  useShortcuts((key, event) => {
    // In an editor, keys are for the editor.
    const task = shown.find(({ id }) => id === focusedTask() && id !== open);
    const onButton = event.target instanceof HTMLButtonElement;
    if (key === "n") focusOn("[data-composer]");
    else if (key === "/") focusOn("[data-search]");
    else if (key === "j" || key === "ArrowDown") focus.move(1);
    else if (key === "k" || key === "ArrowUp") focus.move(-1);
    else if (key === "?") setHelp(true);
    else if (key === "u") undo();
    else if (!task) return false;
    else if (key === "x") actions.rows.complete(task, !task.completed);
    else if (key === "e" || (key === "Enter" && !onButton)) actions.rows.edit(task);
    else if (key === "Delete") actions.rows.remove(task);
    else return false;
    return true;
  });

  function undo() {
    const id = deletions.undo();
    if (id) requestAnimationFrame(() => focusRow(id));
  }

  const focusComposer = useCallback(() => focusOn("[data-composer]"), []);
  const overdue = list.tasks.filter((task) => !task.completed && task.due_date && task.due_date < today).length;
  return (
    <>
      <Header theme={theme} onHelp={() => setHelp(true)} />
      <main className={layout.main} onFocus={focus.onFocus} onBlur={focus.onBlur}>
        <div className={layout.title}>
          <h1 tabIndex={-1}>{longDay(today)}</h1>
          {list.tasks.length > 0 && <p>{summary(list.tasks.length, list.hasNextPage, overdue)}</p>}
        </div>
        <Composer composer={composer} today={today} announce={announce} />
        <Toolbar filters={filters} onChange={setFilters} tags={tags} />
        <TaskArea
          list={list}
          filters={filters}
          onFilter={setFilters}
          today={today}
          actions={actions}
          composer={composer}
          onAdd={focusComposer}
        />
      </main>
      <div className="visually-hidden" role="status">
        {said}
      </div>
      <Conflict />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </>
  );
}

function focusOn(selector: string) {
  document.querySelector<HTMLElement>(selector)?.focus();
}

function summary(count: number, more: boolean, overdue: number) {
  const tasks = `${count}${more ? "+" : ""} ${count === 1 ? "task" : "tasks"}`;
  return overdue ? `${tasks}, ${overdue} overdue` : tasks;
}

/** Every tag that was seen since the page was opened: the API has no list of them. */
function useTags(now: string[]): string[] {
  const [known, setKnown] = useState<string[]>([]);
  const fresh = [...new Set(now)].filter((tag) => !known.includes(tag));
  if (fresh.length) setKnown([...known, ...fresh].sort((a, b) => a.localeCompare(b)));
  return known;
}
