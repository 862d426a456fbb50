import { Suspense, useEffect, useRef } from "react";
import { useAddress } from "@/hooks/use-address";
import { useList, useOfSnapshot, useSyncing } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { useView } from "@/hooks/use-view";
import { longDay } from "@/lib/dates";
import { isNarrowed, type Place } from "@/lib/places";
import { useServices } from "@/lib/services";
import { Composer } from "./composer";
import { Empty } from "./empty";
import { FilterBar } from "./filter-bar";
import { Calendar, SettingsPlace, TrashPlace, UpcomingBar } from "./later";
import { Loading } from "./loading";
import styles from "./place-view.module.css";
import { TaskGroups } from "./task-groups";

const NAMES = { inbox: "Inbox", today: "Today", upcoming: "Upcoming", all: "All tasks", done: "Done", trash: "Trash", settings: "Settings" } as const;

/** The name of a place, as its heading and the title of the window say it. */
export function usePlaceName(place: Place): string {
  const list = useList(place.kind === "list" ? place.id : null);
  if (place.kind === "list") return list?.name ?? "List";
  return NAMES[place.kind];
}

/**
 * Everything in the middle of the page. No Suspense around what is here from the start: on the server React would put it at
 * the end of the page, hidden, and a script would show it up to 300 ms later.
 */
export function PlaceView() {
  const address = useAddress();
  const { place, filters } = address;
  const today = useToday();
  const view = useView();
  const complete = useOfSnapshot((snapshot) => snapshot.complete);
  const allOpen = useOfSnapshot((snapshot) => snapshot.allOpen);
  const syncing = useSyncing();
  const name = usePlaceName(place);
  const list = useList(place.kind === "list" ? place.id : null);
  const searching = filters.q.trim() !== "";
  const { said } = useServices();
  const shown = useRef(name);
  useEffect(() => {
    document.title = `${name} · Todoward`;
    // A page that is loaded is read out by itself.
    if (shown.current !== name) said.set(name);
    shown.current = name;
  }, [name, said]);

  if (place.kind === "settings" || place.kind === "trash") {
    return <Suspense>{place.kind === "settings" ? <SettingsPlace /> : <TrashPlace view={view} />}</Suspense>;
  }
  if (place.kind === "list" && !list && complete) return <Empty kind="gone" />;
  const adds = place.kind !== "done" && !searching;
  const loading = syncing && !complete && !(allOpen && place.kind !== "done" && !isNarrowed(filters) && (place.kind !== "list" || list));
  const month = place.kind === "upcoming" && address.view === "month";
  return (
    <>
      <div className={styles.head}>
        <div className={styles.title}>
          <h1 tabIndex={-1}>{searching ? "Search results" : name}</h1>
          {place.kind === "today" && <p className={styles.day}>{longDay(today)}</p>}
          {!month && <Summary count={view.count} overdue={place.kind === "today" ? 0 : view.overdue} searching={isNarrowed(filters)} />}
        </div>
        {place.kind === "upcoming" ? <Suspense><UpcomingBar /></Suspense> : <FilterBar />}
      </div>
      {list?.archived && <Archived />}
      {adds && !month && place.kind !== "upcoming" && <Composer key={name} />}
      {month ? <Suspense><Calendar /></Suspense> : <TaskGroups view={view} />}
      {view.groups.length === 0 && (loading ? <Loading /> : <Empty kind={isNarrowed(filters) ? "filtered" : place.kind} />)}
    </>
  );
}

function Summary({ count, overdue, searching }: { count: number; overdue: number; searching: boolean }) {
  if (count === 0) return null;
  const tasks = `${count < 1000 ? count : count.toLocaleString("en")} ${count === 1 ? "task" : "tasks"}${searching ? " found" : ""}`;
  return <p className={styles.count}>{overdue ? `${tasks}, ${overdue} overdue` : tasks}</p>;
}

function Archived() {
  const { actions } = useServices();
  const { place } = useAddress();
  const list = useList(place.kind === "list" ? place.id : null);
  return (
    <p className={styles.notice}>
      This list is archived: its tasks don’t appear in Today, Upcoming or All tasks.{" "}
      <button type="button" onClick={() => list && actions.archiveList(list, false)}>
        Unarchive
      </button>
    </p>
  );
}
