import { Ellipsis } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, Suspense, useState } from "react";
import type { List } from "todoward-client";
import { under, watchDrag } from "@/lib/drag";
import { at, type Place, samePlace } from "@/lib/places";
import { useServices } from "@/lib/services";
import { Count } from "./count";
import { Dot } from "./dot";
import { ListEditor, ListMenu } from "./later";
import { Menu } from "./menu";
import { PlaceLink } from "./place-link";
import styles from "./sidebar.module.css";

interface Props {
  list: List;
  siblings: readonly List[];
  count: number;
  current: Place;
  onGo: () => void;
}

/** A list in the sidebar, which is dragged, or moved with Alt and an arrow. */
export function ListLink({ list, siblings, count, current, onGo }: Props) {
  const { actions, said } = useServices();
  const [editing, setEditing] = useState(false);
  const { id, name, color, archived } = list;
  const index = siblings.findIndex((one) => one.id === id);
  const here = samePlace(current, { kind: "list", id });

  function step(by: 1 | -1) {
    const beside = siblings[index + by];
    if (!beside) return;
    actions.moveList(id, by < 0 ? { before: beside.id } : { after: beside.id });
    said.set(`${name} moved to position ${index + by + 1} of ${siblings.length}`);
  }

  function onKeyDown(event: KeyboardEvent) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key] as 1 | -1 | undefined;
    if (!event.altKey || !by) return;
    event.preventDefault();
    step(by);
  }

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    const item = event.currentTarget;
    let line: { over: HTMLElement; side: "before" | "after" } | undefined;
    const clear = () => line && delete line.over.dataset.line;
    watchDrag(event.nativeEvent, () => ({
      label: name,
      move(x, y) {
        clear();
        const over = under(x, y, "data-list");
        line = undefined;
        if (!over || over === item || over.dataset.archived !== String(archived)) return;
        const box = over.getBoundingClientRect();
        line = { over, side: y < box.top + box.height / 2 ? "before" : "after" };
        over.dataset.line = line.side;
      },
      drop() {
        const beside = line?.over.dataset.list;
        if (line && beside) actions.moveList(id, line.side === "before" ? { before: beside } : { after: beside });
      },
      end: clear,
    }));
  }

  if (editing) {
    return (
      <li>
        <Suspense>
          <ListEditor list={list} onClose={() => setEditing(false)} />
        </Suspense>
      </li>
    );
  }
  return (
    <li className={styles.list} data-list={id} data-archived={archived} onPointerDown={onPointerDown}>
      <PlaceLink
        to={at({ kind: "list", id })}
        className={styles.link}
        onGo={onGo}
        onKeyDown={onKeyDown}
        draggable={false}
        aria-current={here ? "page" : undefined}
        data-drop="list"
        data-drop-list={id}
      >
        <span className={styles.dot}>
          <Dot color={color} />
        </span>
        <span className={styles.name}>{name}</span>
        <Count count={count} />
      </PlaceLink>
      <Menu label={`More actions for ${name}`} icon={<Ellipsis size={16} />} className={styles.more}>
        {(close) => (
          <Suspense>
            <ListMenu list={list} first={index === 0} last={index === siblings.length - 1} here={here} close={close} onEdit={() => setEditing(true)} onStep={step} />
          </Suspense>
        )}
      </Menu>
    </li>
  );
}
