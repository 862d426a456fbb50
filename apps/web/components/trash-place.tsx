import { RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useSnapshot, useStatus } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { useZone } from "@/hooks/use-view";
import { dayIn, describePast } from "@/lib/dates";
import { useServices } from "@/lib/services";
import type { View } from "@/lib/views";
import { Dialog } from "./dialog";
import { Dot } from "./dot";
import { Empty } from "./empty";
import { Loading } from "./loading";
import head from "./place-view.module.css";
import styles from "./trash-place.module.css";
import ui from "./ui.module.css";

interface Asked {
  what: string;
  run: () => void;
}

/** What was deleted, until it is restored or deleted for good. */
export function TrashPlace({ view }: { view: View }) {
  const { actions } = useServices();
  const { listTrash, trash, complete } = useSnapshot();
  const { state } = useStatus();
  const zone = useZone();
  const today = useToday();
  const [asked, setAsked] = useState<Asked>();
  const shown = view.groups.flatMap(({ rows }) => rows);
  // What went with its list or the task above comes back with it.
  const tasks = shown.filter(({ task }) => {
    const above = trash.find(({ id }) => id === task.parent_id);
    const list = listTrash.find(({ id }) => id === task.list_id);
    return above?.deleted_at !== task.deleted_at && list?.deleted_at !== task.deleted_at;
  });
  const count = trash.length + listTrash.length;
  const since = (at: string | null) => describePast(dayIn(at ?? "", zone), today);
  return (
    <>
      <div className={head.head}>
        <div className={head.title}>
          <h1 tabIndex={-1}>Trash</h1>
          {count > 0 && <p className={head.count}>Kept for 30 days</p>}
        </div>
        {count > 0 && (
          <button type="button" className={ui.button} onClick={() => setAsked({ what: "everything in the trash", run: actions.emptyTrash })}>
            Empty trash
          </button>
        )}
      </div>
      <ul className={styles.rows}>
        {listTrash.map((list) => (
          <Line
            key={list.id}
            id={list.id}
            title={list.name}
            note={`List · deleted ${since(list.deleted_at)}`}
            icon={<Dot color={list.color} />}
            onRestore={() => actions.restoreList(list)}
            onPurge={() => setAsked({ what: `the list “${list.name}” and its tasks`, run: () => actions.purgeList(list) })}
          />
        ))}
        {tasks.map(({ task }) => (
          <Line
            key={task.id}
            id={task.id}
            title={task.title}
            note={`Deleted ${since(task.deleted_at)}${subtasks(belowOf(task.id))}`}
            onRestore={() => actions.restore(task.id)}
            onPurge={() => setAsked({ what: `“${task.title}”`, run: () => actions.purge(task.id) })}
          />
        ))}
      </ul>
      {count === 0 && (state === "syncing" && !complete ? <Loading /> : <Empty kind="trash" />)}
      {asked && (
        <Dialog title="Delete for good?" onClose={() => setAsked(undefined)}>
          <p className={ui.muted}>This deletes {asked.what}. You can’t undo it.</p>
          <div className={ui.dialogActions}>
            <button type="button" className={ui.button} onClick={() => setAsked(undefined)}>
              Cancel
            </button>
            <button
              type="button"
              className={ui.danger}
              onClick={() => {
                setAsked(undefined);
                asked.run();
              }}
            >
              Delete for good
            </button>
          </div>
        </Dialog>
      )}
    </>
  );

  function belowOf(id: string) {
    return trash.filter(({ parent_id }) => parent_id === id).length;
  }
}

const subtasks = (count: number) => (count ? ` · ${count} ${count === 1 ? "subtask" : "subtasks"}` : "");

interface LineProps {
  id: string;
  title: string;
  note: string;
  icon?: React.ReactNode;
  onRestore: () => void;
  onPurge: () => void;
}

function Line({ id, title, note, icon, onRestore, onPurge }: LineProps) {
  return (
    <li className={styles.row} data-trashed={id}>
      {icon}
      <div className={styles.text}>
        <p>{title}</p>
        <p className={styles.note}>{note}</p>
      </div>
      <button type="button" className={ui.ghost} aria-label={`Restore ${title}`} onClick={onRestore}>
        <RotateCcw size={16} />
        Restore
      </button>
      <button type="button" className={ui.icon} aria-label={`Delete ${title} for good`} title="Delete for good" onClick={onPurge}>
        <Trash2 size={16} />
      </button>
    </li>
  );
}
