import type { Row } from "@/lib/views";
import { useServices } from "@/lib/services";

export function TaskRow({ row: { task } }: { row: Row }) {
  const { actions, navigation } = useServices();
  const { id, title, completed } = task;
  return (
    <li data-task={id}>
      <input type="checkbox" aria-label={title} checked={completed} onChange={(event) => actions.complete(id, event.target.checked)} />
      <button type="button" aria-label={`Edit ${title}`} onClick={() => navigation.openTask(id)}>
        {title}
      </button>
    </li>
  );
}
