import { type KeyboardEvent, useRef } from "react";
import type { Row } from "@/lib/views";
import { type Services, useServices } from "@/lib/services";

/**
 * A handle that the keyboard uses: Space or Enter picks the task up, the arrows move it, Space or Enter drops it, and
 * Escape puts it back where it was. Everything is said.
 */
export function useHandleKeys() {
  const services = useServices();
  const held = useRef<{ id: string; steps: number } | null>(null);

  return ({ task }: Row, event: KeyboardEvent) => {
    const { said } = services;
    const { id, title } = task;
    const handle = event.currentTarget as HTMLElement;
    const now = held.current?.id === id ? held.current : null;
    const put = () => {
      held.current = null;
      delete handle.dataset.held;
    };
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (now) {
        put();
        said.set(`Dropped ${title}. ${whereIs(services, id)}`);
      } else {
        held.current = { id, steps: 0 };
        handle.dataset.held = "true";
        // Moving it takes the focus away for a moment.
        const left = () => setTimeout(() => {
          const focused = document.activeElement?.closest<HTMLElement>("[data-task]")?.dataset.task === id;
          if (held.current?.id !== id) return;
          if (focused) handle.addEventListener("blur", left, { once: true });
          else put();
        }, 100);
        handle.addEventListener("blur", left, { once: true });
        said.set(`Picked up ${title}. Use the up and down arrows to move it, left and right to change its level. Press Space to drop it, Escape to cancel.`);
      }
    } else if (now && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      put();
      for (let step = 0; step < now.steps; step += 1) services.undo.undo();
      said.set(`Cancelled. ${title} is back where it was.`);
    } else if (now && event.key.startsWith("Arrow")) {
      event.preventDefault();
      if (moveBy(services, id, event.key)) now.steps += 1;
      // The row is made anew where it goes under another one.
      requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-task="${id}"] [aria-describedby="move-hint"]`)?.focus());
    }
  };
}

/** Moves a task by the name of an arrow key, and says where it is then. Whether there was room. */
export function moveBy(services: Services, id: string, arrow: string): boolean {
  const { actions, said } = services;
  const moved =
    arrow === "ArrowUp" ? actions.step(id, -1)
    : arrow === "ArrowDown" ? actions.step(id, 1)
    : arrow === "ArrowRight" ? actions.indent(id) !== undefined
    : actions.outdent(id) !== undefined;
  said.set(moved ? whereIs(services, id) : "It can’t move any further that way.");
  return moved;
}

/** "Position 2 of 5 in Groceries" */
function whereIs({ rows }: Services, id: string): string {
  const { byId, children, listById } = rows.get();
  const task = byId.get(id);
  if (!task) return "";
  const siblings = (children.get(task.parent_id ?? "none") ?? []).filter((one) => one.list_id === task.list_id && one.completed === task.completed);
  const inside = task.parent_id ? `under ${byId.get(task.parent_id)?.title}` : `in ${listById.get(task.list_id ?? "")?.name ?? "Inbox"}`;
  return `Position ${siblings.findIndex((one) => one.id === id) + 1} of ${siblings.length} ${inside}.`;
}
