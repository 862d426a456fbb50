import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Composer } from "@/hooks/use-composer";
import type { useTaskActions } from "@/hooks/use-task-actions";
import type { useTasks } from "@/hooks/use-tasks";
import { type Filters, isNarrowed, NO_FILTERS } from "@/lib/filters";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { ClearCompleted } from "./clear-completed";
import { AllDoneState, EmptyState, ListError, NoneDoneState, NothingFoundState, StaleBanner } from "./list-states";
import { LoadMore } from "./load-more";
import { Pending } from "./pending";
import { ListSkeleton } from "./skeleton";
import styles from "./task-area.module.css";
import { Group, Rows, TaskList } from "./task-list";

interface Props {
  list: ReturnType<typeof useTasks>;
  filters: Filters;
  onFilter: (change: Partial<Filters>) => void;
  today: string;
  actions: ReturnType<typeof useTaskActions>;
  composer: Composer;
  onAdd: () => void;
}

/** Everything below the filters: the tasks, or why there are none. */
export function TaskArea({ list, filters, onFilter, today, actions, composer, onAdd }: Props) {
  const { connection, changes, edits } = useServices();
  const { open, all } = useStore(edits);
  const failure = useFailure(list);
  const { tasks, justAdded } = list;
  const retry = () => void list.refetch();

  useEffect(() => changes.dropAdded(), [changes, filters]);

  const shared = { filters, today, edits, open, unsaved: all, actions: actions.rows, onCancel: actions.cancelEdit, onDelete: actions.deleteEdited };
  const problem = failure && { ...failure, baseUrl: connection.baseUrl, busy: list.isFetching, onRetry: retry };
  const isShown = (id: string) => [...tasks, ...justAdded].some((task) => task.id === id);
  return (
    <div className={styles.area} aria-busy={list.isFetching} data-old={list.isPlaceholderData}>
      {problem && list.data && <StaleBanner {...problem} />}
      <Pending composer={composer} isShown={list.data ? isShown : undefined} actions={actions} />
      {justAdded.length > 0 && (
        <Group name="Just added">
          <Rows {...shared} tasks={justAdded} always />
        </Group>
      )}
      {list.data ? (
        <>
          <TaskList {...shared} tasks={tasks} />
          {tasks.length + justAdded.length === 0 && <Nothing filters={filters} onFilter={onFilter} onAdd={onAdd} />}
        </>
      ) : problem ? (
        <ListError {...problem} />
      ) : (
        <ListSkeleton />
      )}
      {list.hasNextPage && (
        <LoadMore busy={list.isFetchingNextPage} failed={list.isFetchNextPageError} onMore={() => void list.fetchNextPage()} />
      )}
      {filters.status !== "open" && tasks.some((task) => task.completed) && <ClearCompleted />}
    </div>
  );
}

function Nothing({ filters, onFilter, onAdd }: Pick<Props, "filters" | "onFilter" | "onAdd">) {
  if (isNarrowed(filters)) {
    const { due, priority, tag, q } = NO_FILTERS;
    return <NothingFoundState onClear={() => onFilter({ due, priority, tag, q })} />;
  }
  if (filters.status === "done") return <NoneDoneState />;
  return filters.status === "open" ? <NothingOpen onAdd={onAdd} /> : <EmptyState onAdd={onAdd} />;
}

/** Whether there is anything done decides what an empty list of open tasks means. */
function NothingOpen({ onAdd }: { onAdd: () => void }) {
  const { connection } = useServices();
  const { data, isPending } = useQuery({
    queryKey: ["any"],
    queryFn: ({ signal }) => connection.client.listTasks({ limit: 1 }, { signal }),
    staleTime: 0,
  });
  if (isPending) return <ListSkeleton />;
  return data?.items.length ? <AllDoneState /> : <EmptyState onAdd={onAdd} />;
}

/** The last failure, also while the next attempt is under way. */
function useFailure(list: Props["list"]) {
  const [failure, setFailure] = useState<{ error: unknown; failedAt: number }>();
  const { error, errorUpdatedAt } = list;
  const isMore = list.isFetchNextPageError;
  if (error && !isMore && failure?.failedAt !== errorUpdatedAt) setFailure({ error, failedAt: errorUpdatedAt });
  if (failure && list.isSuccess && !list.isPlaceholderData) setFailure(undefined);
  return failure;
}
