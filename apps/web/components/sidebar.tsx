import { Archive, CalendarDays, CheckCheck, ChevronRight, Inbox, Layers, Plus, Sun, Trash2, X } from "lucide-react";
import { type ComponentType, memo, Suspense, useEffect, useRef, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useLists } from "@/hooks/use-rows";
import { useCounts } from "@/hooks/use-view";
import { at, type Place, samePlace } from "@/lib/places";
import { useServices } from "@/lib/services";
import { Count } from "./count";
import { ListEditor } from "./later";
import { ListLink } from "./list-link";
import { Logo } from "./logo";
import { PlaceLink } from "./place-link";
import styles from "./sidebar.module.css";
import ui from "./ui.module.css";

const PLACES = [
  ["inbox", "Inbox", Inbox],
  ["today", "Today", Sun],
  ["upcoming", "Upcoming", CalendarDays],
  ["all", "All tasks", Layers],
  ["done", "Done", CheckCheck],
  ["trash", "Trash", Trash2],
] as const;

interface Props {
  /** On a narrow screen, where it lies over the page. */
  open: boolean;
  onClose: () => void;
}

export const Sidebar = memo(function Sidebar({ open, onClose }: Props) {
  const { navigation } = useServices();
  const { place } = useAddress();
  const lists = useLists();
  const counts = useCounts();
  const [adding, setAdding] = useState(false);
  const [archive, setArchive] = useState(false);
  const panel = useRef<HTMLElement>(null);
  useDrawer(panel, open, onClose);
  const active = lists.filter((list) => !list.archived);
  const archived = lists.filter((list) => list.archived);
  const showArchive = archive || archived.some(({ id }) => samePlace(place, { kind: "list", id }));

  return (
    <>
      <div className={styles.shade} data-open={open} onClick={onClose} aria-hidden="true" />
      <aside ref={panel} className={styles.sidebar} aria-label="Sidebar" data-open={open}>
        <div className={styles.head}>
          <PlaceLink to={at({ kind: "today" })} className={styles.home} onGo={onClose}>
            <Logo />
          </PlaceLink>
          <button type="button" className={`${ui.icon} ${styles.close}`} aria-label="Close sidebar" onClick={onClose}>
            <X size={20} />
          </button>
        </div>
        <nav className={styles.nav} aria-label="Places">
          <ul>
            {PLACES.map(([kind, name, icon]) => (
              <li key={kind}>
                <Entry to={{ kind }} name={name} icon={icon} current={place} onGo={onClose} count={countOf(kind)} overdue={kind === "today" ? counts.overdue : 0} />
              </li>
            ))}
          </ul>
          <div className={styles.heading}>
            <h2 id="lists-heading">Lists</h2>
            <button type="button" className={ui.icon} aria-label="New list" title="New list" onClick={() => setAdding(true)}>
              <Plus size={17} />
            </button>
          </div>
          <ul aria-labelledby="lists-heading" data-lists>
            {active.map((list) => (
              <ListLink key={list.id} list={list} siblings={active} count={counts.byList.get(list.id) ?? 0} current={place} onGo={onClose} />
            ))}
            {active.length === 0 && !adding && <li className={styles.none}>No lists yet</li>}
          </ul>
          <Suspense>
            {adding && (
              <ListEditor
                onClose={() => setAdding(false)}
                onAdded={(id) => {
                  setAdding(false);
                  navigation.go(at({ kind: "list", id }));
                  onClose();
                }}
              />
            )}
          </Suspense>
          {archived.length > 0 && (
            <>
              <button type="button" className={styles.archive} aria-expanded={showArchive} onClick={() => setArchive(!showArchive)}>
                <ChevronRight size={15} />
                <Archive size={15} />
                Archived lists
                <span className={styles.count}>{archived.length}</span>
              </button>
              {showArchive && (
                <ul aria-label="Archived lists">
                  {archived.map((list) => (
                    <ListLink key={list.id} list={list} siblings={archived} count={counts.byList.get(list.id) ?? 0} current={place} onGo={onClose} />
                  ))}
                </ul>
              )}
            </>
          )}
        </nav>
      </aside>
    </>
  );

  function countOf(kind: Place["kind"]) {
    if (kind === "inbox") return counts.inbox;
    return kind === "today" ? counts.today : 0;
  }
});

interface EntryProps {
  to: Place;
  name: string;
  icon: ComponentType<{ size: number }>;
  current: Place;
  count: number;
  overdue: number;
  onGo: () => void;
}

function Entry({ to, name, icon: Icon, current, count, overdue, onGo }: EntryProps) {
  const drop = to.kind === "inbox" || to.kind === "today" || to.kind === "trash" ? { "data-drop": to.kind } : {};
  return (
    <PlaceLink to={at(to)} className={styles.link} onGo={onGo} aria-current={samePlace(to, current) ? "page" : undefined} {...drop}>
      <Icon size={18} />
      <span className={styles.name}>{name}</span>
      <Count count={count} overdue={overdue} />
    </PlaceLink>
  );
}

/** On a narrow screen the keyboard stays in it while it is open. */
function useDrawer(panel: React.RefObject<HTMLElement | null>, open: boolean, onClose: () => void) {
  useEffect(() => {
    const element = panel.current;
    if (!open || !element) return;
    const before = document.activeElement as HTMLElement | null;
    const rest = [...document.querySelectorAll<HTMLElement>("[data-behind-drawer]")];
    for (const one of rest) one.inert = true;
    element.querySelector<HTMLElement>("[aria-current], a")?.focus();
    const key = (event: globalThis.KeyboardEvent) => event.key === "Escape" && !document.querySelector("dialog[open], [popover]:popover-open") && onClose();
    window.addEventListener("keydown", key);
    return () => {
      for (const one of rest) one.inert = false;
      window.removeEventListener("keydown", key);
      before?.focus();
    };
  }, [panel, open, onClose]);
}

