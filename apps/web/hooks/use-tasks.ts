import { keepPreviousData, skipToken, useInfiniteQuery, useMutationState, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import type { Task } from "todoward-client";
import { ADDED, CHANGE, type Change, LISTS, NO_PAGES, type Pages } from "@/lib/changes";
import { type Filters, toQuery } from "@/lib/filters";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";

const PAGE = 50;

/** The tasks of a list: what the server said, with what is on its way shown as done. */
export function useTasks(filters: Filters, today: string) {
  const { connection, changes, deletions } = useServices();
  const query = toQuery(filters, today);
  const list = useInfiniteQuery({
    queryKey: [...LISTS, query],
    queryFn: ({ pageParam, signal }) =>
      connection.client.listTasks({ ...query, limit: PAGE, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const added = useQuery<Pages>({ queryKey: ADDED, queryFn: skipToken, initialData: NO_PAGES, staleTime: "static" });
  const pending = useMutationState({
    filters: { mutationKey: CHANGE, status: "pending" },
    select: (mutation) => mutation.state.variables as Change,
  });
  const hidden = useStore(deletions);
  const tasks = useMemo(() => visible(list.data, hidden, pending), [list.data, hidden, pending]);
  const news = useMemo(() => visible(added.data, hidden, pending), [added.data, hidden, pending]);
  // A new task that the list has, too, stands there, and comes and goes with it.
  const justAdded = useMemo(() => news.filter(({ id }) => !tasks.some((task) => task.id === id)), [news, tasks]);
  useEffect(() => {
    if (justAdded.length < news.length) changes.dropAdded(({ id }) => tasks.some((task) => task.id === id));
  }, [changes, justAdded, news, tasks]);
  return { ...list, tasks, justAdded };
}

function visible(data: Pages | undefined, hidden: ReadonlyMap<string, unknown>, pending: Change[]): Task[] {
  // A task whose sort key changed between two pages may be in both.
  const byId = new Map(data?.pages.flatMap((page) => page.items).map((task) => [task.id, task]));
  return [...byId.values()].filter(({ id }) => !hidden.has(id)).map((task) => withChanges(task, pending));
}

function withChanges(task: Task, pending: Change[]): Task {
  const patches = pending.filter(({ id }) => id === task.id).map(({ patch }) => patch);
  return patches.length ? (Object.assign({}, task, ...patches) as Task) : task;
}
