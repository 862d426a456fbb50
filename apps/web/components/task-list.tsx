import type { Task } from "todoward-client";
import { dueGroup } from "@/lib/dates";
import type { Edit, Edits } from "@/lib/edits";
import { type Filters, matches } from "@/lib/filters";
import styles from "./task-list.module.css";
import { TaskEditor } from "./task-editor";
import { type RowActions, TaskRow } from "./task-row";
import ui from "./ui.module.css";

interface Props {
  tasks: Task[];
  filters: Filters;
  today: string;
  edits: Edits;
  open: string | null;
  unsaved: Record<string, Edit>;
  actions: RowActions;
  onCancel: (id: string) => void;
  onDelete: (id: string) => void;
  /** Shown whether or not the filters fit. */
  always?: boolean;
}

/** Tasks as rows, in groups if they are sorted by due date. */
export function TaskList(props: Props) {
  const { tasks, filters, today } = props;
  const grouped = filters.sort === "due_date" && filters.status === "open" && filters.due === "any";
  const groups = new Map<string, Task[]>();
  for (const task of tasks) {
    const name = grouped ? dueGroup(task.due_date, today) : "";
    groups.set(name, [...(groups.get(name) ?? []), task]);
  }
  return [...groups].map(([name, members]) => (
    <Group key={name} name={name}>
      <Rows {...props} tasks={members} />
    </Group>
  ));
}

export function Rows(props: Props) {
  return props.tasks.map((task) => <Row key={task.id} {...props} task={task} />);
}

export function Group({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <section aria-label={name || "Tasks"}>
      {name && (
        <h2 className={styles.heading} data-overdue={name === "Overdue"}>
          {name}
        </h2>
      )}
      <ul className={ui.card}>{children}</ul>
    </section>
  );
}

function Row({ task, filters, today, edits, open, unsaved, actions, onCancel, onDelete, always }: Props & { task: Task }) {
  const edit = unsaved[task.id];
  if (edit && open === task.id) {
    return (
      <TaskEditor
        edit={edit}
        onType={(fields) => edits.type(task.id, fields)}
        onSave={() => void edits.save(task.id)}
        onCancel={() => onCancel(task.id)}
        onDelete={() => onDelete(task.id)}
      />
    );
  }
  return <TaskRow task={task} today={today} unsaved={edit} leaving={!always && !matches(task, filters, today)} {...actions} />;
}
