import { useCallback, useSyncExternalStore } from "react";
import type { List, Task } from "todoward-client";
import type { StoreStatus } from "todoward-client/sync";
import type { Arranged, Snapshot } from "@/lib/rows";
import { useServices } from "@/lib/services";

/** All rows and what is known of them; drawn again when any of that changes. */
export function useSnapshot(): Snapshot {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, rows.get, rows.getFirst);
}

/** All rows; drawn again when any of them changes, and not when the copy opens with the same ones. */
export function useRows(): Arranged {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, rows.getArranged, rows.getFirstArranged);
}

/** Something of the snapshot that is a plain value, or an object that stays the same. */
export function useOfSnapshot<Value>(of: (snapshot: Snapshot) => Value): Value {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, () => of(rows.get()), () => of(rows.getFirst()));
}

export function useTask(id: string | null): Task | undefined {
  const { rows } = useServices();
  const of = (snapshot: Snapshot) => (id === null ? undefined : snapshot.byId.get(id));
  const get = useCallback(() => of(rows.get()), [rows, id]);
  const first = useCallback(() => of(rows.getFirst()), [rows, id]);
  return useSyncExternalStore(rows.subscribe, get, first);
}

/** The lists outside the trash, in their order. */
export function useLists(): readonly List[] {
  return useOfSnapshot(({ lists }) => lists);
}

export function useList(id: string | null): List | undefined {
  const { rows } = useServices();
  const of = (snapshot: Snapshot) => (id === null ? undefined : snapshot.listById.get(id));
  const get = useCallback(() => of(rows.get()), [rows, id]);
  const first = useCallback(() => of(rows.getFirst()), [rows, id]);
  return useSyncExternalStore(rows.subscribe, get, first);
}

/** Whether the copy has not yet heard from the server. */
export function useSyncing(): boolean {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, () => rows.status().state === "syncing", () => rows.statusAtFirst().state === "syncing");
}

export function useStatus(): StoreStatus {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, rows.status, rows.statusAtFirst);
}

interface TagCount {
  name: string;
  /** How many open tasks have it. */
  open: number;
}

/** Every tag of every task, by name. */
export function useTags(): TagCount[] {
  return useOfSnapshot(({ tasks }) => tagsOf(tasks));
}

/** Several components ask for the same ones. */
const known = new WeakMap<readonly Task[], TagCount[]>();

function tagsOf(tasks: readonly Task[]): TagCount[] {
  let all = known.get(tasks);
  if (!all) {
    const counts = new Map<string, number>();
    for (const { tags, completed } of tasks) {
      for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + (completed ? 0 : 1));
    }
    all = [...counts].map(([name, open]) => ({ name, open })).sort((a, b) => a.name.localeCompare(b.name));
    known.set(tasks, all);
  }
  return all;
}
