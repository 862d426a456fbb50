import type { PointerEvent } from "react";
import { type Drag, under, watchDrag } from "@/lib/drag";
import { type Drop, dropAt, withoutBranch } from "@/lib/drop";
import { type Services, useServices } from "@/lib/services";
import type { Group, Row } from "@/lib/views";

/** Pixels of one level. */
const INDENT = 28;

interface Target extends Drop {
  list_id: string | null;
}

/** Rows that are dragged: to another place among the rows, to a list or place of the sidebar, to a day. */
export function useRowDrag(groups: readonly Group[], manual: boolean) {
  const services = useServices();
  return (row: Row, event: PointerEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    if (event.button !== 0 || target.closest("input, a, [data-no-drag]")) return;
    watchDrag(event.nativeEvent, () => begin(services, groups, manual, row, event.nativeEvent.clientX));
  };
}

function begin({ actions, rows, selection, day, said }: Services, groups: readonly Group[], manual: boolean, row: Row, fromX: number): Drag {
  const chosen = selection.get();
  const ids = chosen.has(row.task.id) ? [...chosen] : [row.task.id];
  const dragged = new Set(ids);
  const elements = ids.flatMap((id) => document.querySelector<HTMLElement>(`[data-task="${id}"]`) ?? []);
  for (const element of elements) element.dataset.dragged = "true";
  const line = document.createElement("div");
  line.className = "drop-line";
  line.setAttribute("aria-hidden", "true");
  document.body.append(line);
  let over: HTMLElement | null = null;
  let target: Target | undefined;

  function clear() {
    if (over) delete over.dataset.over;
    over = null;
    target = undefined;
    line.style.display = "none";
  }

  function among(x: number, y: number): void {
    const list = under(x, y, "data-rows") ?? nearest(x, y);
    const group = groups.find(({ key }) => key === list?.dataset.rows);
    if (!list || !group) return;
    const shown = withoutBranch(group.rows, dragged);
    const boxes = shown.map(({ task }) => list.querySelector(`[data-task="${task.id}"]`)?.getBoundingClientRect());
    const gap = boxes.filter((box) => box && y > box.top + box.height / 2).length;
    const drop = dropAt(shown, gap, row.level + Math.round((x - fromX) / INDENT));
    target = { ...drop, list_id: group.key === "inbox" ? null : group.key };
    const edge = list.getBoundingClientRect();
    const top = boxes[gap]?.top ?? boxes[gap - 1]?.bottom ?? edge.top;
    const left = edge.left + 12 + (drop.level - 1) * INDENT;
    Object.assign(line.style, { display: "block", top: `${top - 1}px`, left: `${left}px`, width: `${edge.right - left}px` });
  }

  return {
    label: ids.length === 1 ? row.task.title : `${ids.length} tasks`,
    move(x, y) {
      clear();
      over = under(x, y, "data-drop") ?? under(x, y, "data-drop-day");
      if (over) over.dataset.over = "true";
      else if (manual) among(x, y);
    },
    drop() {
      if (over) return dropped(over);
      if (!target) return;
      const { list_id, parent_id, after } = target;
      const where = parent_id ? { parent_id } : { list_id, parent_id: null };
      if (after === row.task.id) return;
      actions.move(ids, after ? { ...where, after } : { ...where, first: true }, { quiet: rows.get().byId.get(row.task.id)?.list_id === list_id });
    },
    press() {
      const chosen = new Set(selection.get());
      if (!chosen.delete(row.task.id)) chosen.add(row.task.id);
      selection.set(chosen);
      said.set(`${chosen.size} selected`);
    },
    end() {
      clear();
      line.remove();
      for (const element of elements) delete element.dataset.dragged;
    },
  };

  function dropped({ dataset }: HTMLElement) {
    const { drop, dropList, dropDay } = dataset;
    const name = rows.get().listById.get(dropList ?? "")?.name;
    if (dropDay) actions.update(ids, { due_date: dropDay }, { label: ids.length === 1 ? "Changed the due date" : `Changed the due date of ${ids.length} tasks`, quiet: false });
    else if (drop === "list" && dropList) actions.move(ids, { list_id: dropList, parent_id: null }, { label: `Moved to ${name}`, quiet: false });
    else if (drop === "inbox") actions.move(ids, { list_id: null, parent_id: null }, { label: "Moved to Inbox", quiet: false });
    else if (drop === "today") actions.update(ids, { due_date: day.get() }, { label: "Due today", quiet: false });
    else if (drop === "trash") actions.remove(ids);
  }
}

/** The list of rows that is next to a point above or below it. */
function nearest(x: number, y: number): HTMLElement | null {
  const far = ({ top, bottom }: DOMRect) => Math.max(top - y, y - bottom);
  const beside = [...document.querySelectorAll<HTMLElement>("[data-rows]")].filter((list) => {
    const { left, right } = list.getBoundingClientRect();
    return x >= left && x <= right;
  });
  return beside.sort((a, b) => far(a.getBoundingClientRect()) - far(b.getBoundingClientRect()))[0] ?? null;
}
