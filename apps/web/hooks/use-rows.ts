import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { List, Task } from "todoward-client";
import type { StoreStatus } from "todoward-client/sync";
import type { Snapshot } from "@/lib/rows";
import { useServices } from "@/lib/services";

/** All rows; drawn again when any of them changes. */
export function useSnapshot(): Snapshot {
  const { rows } = useServices();
  return useSyncExternalStore(rows.subscribe, rows.get, rows.getFirst);
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
  return useSnapshot().lists;
}

export function useList(id: string | null): List | undefined {
  const { rows } = useServices();
  const of = (snapshot: Snapshot) => (id === null ? undefined : snapshot.listById.get(id));
  const get = useCallback(() => of(rows.get()), [rows, id]);
  const first = useCallback(() => of(rows.getFirst()), [rows, id]);
  return useSyncExternalStore(rows.subscribe, get, first);
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
  const { tasks } = useSnapshot();
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { tags, completed } of tasks) {
      for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + (completed ? 0 : 1));
    }
    return [...counts].map(([name, open]) => ({ name, open })).sort((a, b) => a.name.localeCompare(b.name));
  }, [tasks]);
}
