import { ArrowDown, ArrowLeftToLine, ArrowRightToLine, ArrowUp, CalendarDays, Clock, Ellipsis, Flag, Hash, Inbox, Plus, Repeat, Trash2, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { Task, TaskPatch } from "todoward-client";
import { useAutosave } from "@/hooks/use-autosave";
import { moveBy } from "@/hooks/use-handle-keys";
import { useLists, useSnapshot } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { useZone } from "@/hooks/use-view";
import { addDays, dayIn, fullDate, timeIn } from "@/lib/dates";
import { isRich } from "@/lib/language/markup";
import { PRIORITIES, type Priority } from "@/lib/places";
import { useServices } from "@/lib/services";
import { ReviewButton, useDisagreements } from "./conflicts";
import { Menu } from "./menu";
import { RepetitionPicker } from "./repetition-picker";
import { RichNotes } from "./rich-notes";
import { TagsField } from "./tags-field";
import styles from "./task-details.module.css";
import ui from "./ui.module.css";

interface Props {
  task: Task;
  onClose: () => void;
}

/** Everything about one task. It has no Save: what is changed is saved. */
export function TaskDetails({ task, onClose }: Props) {
  const services = useServices();
  const { actions, navigation } = services;
  const { byId } = useSnapshot();
  const zone = useZone();
  const above = task.parent_id ? byId.get(task.parent_id) : undefined;
  const { id, title, completed } = task;
  const quiet = (patch: TaskPatch) => actions.update(id, patch);

  function move(arrow: string) {
    moveBy(services, id, arrow);
  }

  return (
    <form className={styles.details} aria-label={`Edit ${title}`} onSubmit={(event) => event.preventDefault()}>
      <div className={styles.bar}>
        {above && (
          <button type="button" className={styles.above} onClick={() => navigation.openTask(above.id)}>
            <span className="visually-hidden">Open the task above: </span>
            {above.title}
          </button>
        )}
        <span className={styles.spacer} />
        <Menu label="More actions" icon={<Ellipsis size={18} />}>
          {(close) => {
            const item = (label: string, icon: ReactNode, run: () => void, danger = false) => (
              <button
                type="button"
                className={ui.item}
                data-danger={danger}
                onClick={() => {
                  close();
                  run();
                }}
              >
                {icon}
                {label}
              </button>
            );
            return (
              <>
                {item("Move up", <ArrowUp size={16} />, () => move("ArrowUp"))}
                {item("Move down", <ArrowDown size={16} />, () => move("ArrowDown"))}
                {item("Make a subtask of the task above", <ArrowRightToLine size={16} />, () => move("ArrowRight"))}
                {above && item("Move up one level", <ArrowLeftToLine size={16} />, () => move("ArrowLeft"))}
                {item("Delete", <Trash2 size={16} />, () => {
                  onClose();
                  actions.remove(id);
                }, true)}
              </>
            );
          }}
        </Menu>
        <button type="button" className={ui.icon} aria-label="Close details" title="Close (Esc)" onClick={onClose}>
          <X size={18} />
        </button>
      </div>
      <Disagreements task={task} />
      <div className={styles.head}>
        <input
          type="checkbox"
          className={styles.check}
          data-priority={task.priority}
          aria-label={completed ? "Done" : "Mark as done"}
          checked={completed}
          onChange={(event) => actions.complete(id, event.target.checked)}
        />
        <TitleField key={id} task={task} />
      </div>
      <NotesField key={`notes ${id}`} task={task} />
      <div className={styles.fields}>
        <DueFields task={task} onChange={quiet} />
        <Line icon={<Flag size={16} />} label="Priority">
          <select className={styles.select} aria-label="Priority" data-priority={task.priority} value={task.priority} onChange={(event) => quiet({ priority: event.target.value as Priority })}>
            {Object.entries({ ...PRIORITIES, none: "No priority" }).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Line>
        <ListField task={task} />
        <Line icon={<Hash size={16} />} label="Tags">
          <TagsField tags={task.tags} onChange={(tags) => quiet({ tags })} />
        </Line>
      </div>
      <Subtasks task={task} />
      <p className={styles.dates}>
        Created {fullDate(dayIn(task.created_at, zone))}
        {task.completed_at && ` · Completed ${fullDate(dayIn(task.completed_at, zone))}, ${timeIn(task.completed_at, zone)}`}
      </p>
    </form>
  );
}

function Line({ icon, label, children }: { icon: ReactNode; label: string; children: ReactNode }) {
  return (
    <div className={styles.line}>
      <span className={styles.label} aria-hidden="true">
        {icon}
        {label}
      </span>
      <div className={styles.value}>{children}</div>
    </div>
  );
}

const hasText = (text: string) => text.trim() !== "";

function TitleField({ task }: { task: Task }) {
  const field = useAutosave(task, "title", hasText);
  const id = useId();
  const empty = !hasText(field.value);
  return (
    <div className={styles.titleBox}>
      <textarea
        className={styles.title}
        aria-label="Title"
        rows={1}
        maxLength={1000}
        value={field.value}
        aria-invalid={empty || undefined}
        aria-describedby={empty ? id : undefined}
        onChange={(event) => field.onChange(event.target.value.replace(/\n/g, " "))}
        onBlur={field.onBlur}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          event.preventDefault();
          event.currentTarget.blur();
        }}
      />
      {empty && (
        <p id={id} className={ui.fieldError} role="alert">
          A task needs a title.
        </p>
      )}
    </div>
  );
}

function NotesField({ task }: { task: Task }) {
  const { actions } = useServices();
  const field = useAutosave(task, "description");
  const [editing, setEditing] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  // Plain words are as good in the field itself.
  const rich = !editing && isRich(field.value);
  useEffect(() => {
    if (editing) input.current?.focus();
  }, [editing]);
  if (rich) {
    return (
      <div className={styles.richNotes}>
        <RichNotes notes={field.value} onChange={(description) => actions.update(task.id, { description })} />
        <button type="button" className={ui.link} onClick={() => setEditing(true)}>
          Edit notes
        </button>
      </div>
    );
  }
  return (
    <textarea
      ref={input}
      className={styles.notes}
      aria-label="Notes"
      placeholder="Add notes"
      rows={3}
      maxLength={20000}
      value={field.value}
      onFocus={() => setEditing(true)}
      onChange={(event) => field.onChange(event.target.value)}
      onBlur={() => {
        field.onBlur();
        setEditing(false);
      }}
    />
  );
}

function DueFields({ task, onChange }: { task: Task; onChange: (patch: TaskPatch) => void }) {
  const today = useToday();
  const zone = useZone();
  const { due_date, due_time, time_zone, recurrence } = task;
  const quick: [string, string][] = [
    ["Today", today],
    ["Tomorrow", addDays(today, 1)],
    ["Next week", addDays(today, 7)],
  ];
  return (
    <>
      <Line icon={<CalendarDays size={16} />} label="Due">
        <div className={styles.due}>
          <input
            type="date"
            className={styles.input}
            aria-label="Due date"
            min="1970-01-01"
            max="9999-12-31"
            value={due_date ?? ""}
            onChange={(event) => event.target.validity.valid && onChange({ due_date: event.target.value || null })}
          />
          {due_date && (
            <button type="button" className={ui.icon} aria-label="Remove due date" title="Remove due date" onClick={() => onChange({ due_date: null })}>
              <X size={16} />
            </button>
          )}
        </div>
        <div className={styles.quick}>
          {quick.map(([name, day]) => (
            <button key={name} type="button" aria-pressed={due_date === day} onClick={() => onChange({ due_date: day })}>
              {name}
            </button>
          ))}
        </div>
      </Line>
      {due_date && (
        <Line icon={<Clock size={16} />} label="Time">
          <input
            type="time"
            className={styles.input}
            aria-label="Due time"
            value={due_time ?? ""}
            onChange={(event) => event.target.validity.valid && onChange({ due_time: event.target.value || null })}
          />
          {due_time && (
            <select className={styles.select} aria-label="Time zone" value={time_zone ?? ""} onChange={(event) => onChange({ time_zone: event.target.value || null })}>
              <option value="">Wherever I am</option>
              {[...new Set([time_zone ?? zone, zone, ...Intl.supportedValuesOf("timeZone")])].map((one) => (
                <option key={one} value={one}>
                  {one.replaceAll("_", " ")}
                </option>
              ))}
            </select>
          )}
        </Line>
      )}
      {due_date && (
        <Line icon={<Repeat size={16} />} label="Repeat">
          <RepetitionPicker key={task.id} className={styles.select} value={recurrence} due={due_date} onChange={(value, due) => onChange({ recurrence: value, ...(due && { due_date: due }) })} />
        </Line>
      )}
    </>
  );
}

function ListField({ task }: { task: Task }) {
  const { actions } = useServices();
  const lists = useLists();
  return (
    <Line icon={<Inbox size={16} />} label="List">
      <select
        className={styles.select}
        aria-label="List"
        value={task.list_id ?? "inbox"}
        onChange={(event) => {
          const list_id = event.target.value === "inbox" ? null : event.target.value;
          const name = lists.find(({ id }) => id === list_id)?.name ?? "Inbox";
          actions.move(task.id, { list_id, parent_id: null }, { label: `Moved to ${name}`, quiet: false });
        }}
      >
        <option value="inbox">Inbox</option>
        {lists.filter((list) => !list.archived || list.id === task.list_id).map((list) => (
          <option key={list.id} value={list.id}>
            {list.name}
          </option>
        ))}
      </select>
    </Line>
  );
}

function Subtasks({ task }: { task: Task }) {
  const { actions, navigation } = useServices();
  const { children } = useSnapshot();
  const [title, setTitle] = useState("");
  const below = children.get(task.id) ?? [];
  function add() {
    if (!title.trim()) return;
    actions.add({ title, parent_id: task.id, list_id: task.list_id });
    setTitle("");
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    add();
  }
  return (
    <section className={styles.subtasks} aria-label="Subtasks">
      <h2>
        Subtasks {below.length > 0 && <span>{below.filter((one) => one.completed).length}/{below.length}</span>}
      </h2>
      <ul>
        {below.map((one) => (
          <li key={one.id}>
            <input
              type="checkbox"
              className={styles.check}
              data-priority={one.priority}
              aria-label={`Subtask: ${one.title}`}
              checked={one.completed}
              onChange={(event) => actions.complete(one.id, event.target.checked)}
            />
            <button type="button" data-completed={one.completed} onClick={() => navigation.openTask(one.id)}>
              {one.title}
            </button>
          </li>
        ))}
      </ul>
      <div className={styles.addBelow}>
        <Plus size={17} aria-hidden="true" />
        <input
          aria-label="Add a subtask"
          placeholder="Add a subtask"
          maxLength={1000}
          autoComplete="off"
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          onKeyDown={onKeyDown}
          onBlur={add}
        />
      </div>
    </section>
  );
}

function Disagreements({ task }: { task: Task }) {
  const all = useDisagreements(task.id);
  if (all.length === 0) return null;
  return (
    <p className={styles.notice}>
      Also changed on another device while you were editing. <ReviewButton id={task.id} />
    </p>
  );
}
