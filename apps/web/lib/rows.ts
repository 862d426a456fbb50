import type { List, Task, Todoward } from "todoward-client";
import type { Conflict, Rejection, Store as Copy, StoreStatus } from "todoward-client/sync";
import type { UserStorage } from "./storage";

/** Rows as the server put them into the page. */
export interface FirstRows {
  tasks: Task[];
  lists: List[];
  /** Whether these are all open tasks and all lists. */
  all: boolean;
}

/** All rows at one moment, arranged for whoever shows them. */
export interface Snapshot {
  /** Outside the trash, in the order of their siblings. */
  tasks: readonly Task[];
  lists: readonly List[];
  /** Outside the trash. */
  byId: ReadonlyMap<string, Task>;
  listById: ReadonlyMap<string, List>;
  /** By the id of the task above, or `none`. */
  children: ReadonlyMap<string, readonly Task[]>;
  /** The trash, what was deleted last first. */
  trash: readonly Task[];
  listTrash: readonly List[];
  /** Whether these are all there are, and not only what the page came with. */
  complete: boolean;
  /** Whether these are at least all open tasks, and all lists. */
  allOpen: boolean;
  /** Whether what is done is done at once, and does not wait for the copy. */
  open: boolean;
}

type Rows = { tasks: readonly Task[]; lists: readonly List[]; trash: readonly Task[]; listTrash: readonly List[] };

const OPENING: StoreStatus = { state: "syncing", pending: 0, leader: false };

interface Options {
  connect: () => Promise<Todoward>;
  settings: UserStorage;
  first: FirstRows | null;
  onConflict: (conflict: Conflict) => unknown;
  onRejected: (rejection: Rejection) => void;
  /** Somebody has signed out in another tab, or the browser has cleared its data. */
  onGone: () => void;
}

/**
 * The user's rows: those that the page came with, until the copy on this device is open and has been pulled once; then
 * the copy.
 */
export class LocalRows {
  private readonly listeners = new Set<() => void>();
  private readonly options: Options;
  private copy: Copy | undefined;
  private read: (() => Rows) | undefined;
  private complete = false;
  private snapshot: Snapshot;
  /** What the snapshot was made of. */
  private shown: Rows | undefined;
  private readonly firstSnapshot: Snapshot;
  private waiting: { needsRows: boolean; run: (copy: Copy) => void }[] = [];
  private readonly gone = new Map<string, string>();
  /** It is closed by this tab. */
  private leaving = false;
  /** Why there is no copy on this device. */
  private failure: string | undefined;
  private readonly failed: StoreStatus = { ...OPENING, state: "error" };

  constructor(options: Options) {
    this.options = options;
    const { tasks = [], lists = [] } = options.first ?? {};
    this.firstSnapshot = arranged({ tasks, lists, trash: [], listTrash: [] }, { allOpen: options.first?.all === true });
    this.snapshot = this.firstSnapshot;
  }

  /** Opens the copy; gives the function that closes it. */
  start(): () => void {
    this.leaving = false;
    let ended = false;
    let copy: Copy | undefined;
    void this.open().then(
      (opened) => {
        if (ended) return opened.close();
        copy = opened;
        this.opened(opened);
      },
      (error: unknown) => {
        if (ended) return;
        this.failure = String(error);
        this.tell();
      },
    );
    return () => {
      ended = true;
      this.leaving = true;
      copy?.close();
      if (this.copy === copy) this.copy = undefined;
    };
  }

  private async open(): Promise<Copy> {
    // Not needed for the first look at the page, so not in its first script.
    const { connect, onConflict, onRejected } = this.options;
    const [{ openStore }, client] = await Promise.all([import("todoward-client/sync"), connect()]);
    return openStore({ client, onConflict, onRejected });
  }

  private opened(copy: Copy) {
    this.copy = copy;
    this.read = reader(copy);
    this.complete = this.isCopied;
    copy.subscribe(() => {
      if (copy.status.state === "closed") {
        if (this.copy === copy && !this.leaving) this.options.onGone();
        return;
      }
      this.look();
      this.tell();
    });
    this.look();
    this.tell();
  }

  /** Whether this device has had all rows before. */
  get isCopied(): boolean {
    return this.options.settings.read("copied", false);
  }

  /** Whether the copy is complete now; what has waited for that is done. */
  private look() {
    const { copy } = this;
    if (!copy) return;
    if (!this.complete && copy.status.state === "synced") {
      this.options.settings.write("copied", true);
      this.complete = true;
    }
    const now = this.waiting.filter(({ needsRows }) => this.hasRows || !needsRows);
    if (now.length === 0) return;
    this.waiting = this.waiting.filter((one) => !now.includes(one));
    for (const { run } of now) run(copy);
  }

  /** Whether every row that is shown is in the copy. */
  private get hasRows(): boolean {
    const { tasks = [], lists = [] } = this.options.first ?? {};
    return this.complete || tasks.length + lists.length === 0;
  }

  /** Runs a write: at once, or when the copy has the rows for it. */
  write(run: (copy: Copy) => void, { needsRows = true } = {}) {
    if (this.copy && (this.hasRows || !needsRows)) run(this.copy);
    else this.waiting.push({ needsRows, run });
  }

  /** Why this browser keeps no copy; undefined: it does. */
  get unavailable(): string | undefined {
    return this.failure;
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  get = (): Snapshot => this.snapshot;

  /** What the server rendered. */
  getFirst = (): Snapshot => this.firstSnapshot;

  status = (): StoreStatus => (this.failure === undefined ? (this.copy?.status ?? OPENING) : this.failed);

  statusAtFirst = (): StoreStatus => OPENING;

  /** At sign-out: nothing of this user stays on the device. */
  async wipe() {
    this.leaving = true;
    this.options.settings.write("copied", undefined);
    await this.copy?.wipe();
  }

  sync() {
    void this.copy?.sync().catch(() => undefined);
  }

  /** What a row was called that is there, or was until a moment ago. */
  titleOf(id: string): string | undefined {
    return this.snapshot.byId.get(id)?.title ?? this.snapshot.listById.get(id)?.name ?? this.gone.get(id);
  }

  private remember({ tasks, lists }: Rows) {
    const { byId, listById } = this.snapshot;
    if (tasks.length >= byId.size && lists.length >= listById.size) return;
    const still = new Set([...tasks, ...lists].map(({ id }) => id));
    for (const { id, title } of byId.values()) if (!still.has(id)) this.gone.set(id, title);
    for (const { id, name } of listById.values()) if (!still.has(id)) this.gone.set(id, name);
  }

  private tell() {
    if (this.read) {
      const rows = this.complete ? this.read() : laid(this.firstSnapshot, this.read());
      if (!this.shown || !sameRows(rows, this.shown) || this.snapshot.complete !== this.complete) {
        this.shown = rows;
        this.remember(rows);
        this.snapshot = arranged(rows, { complete: this.complete, allOpen: this.complete || this.firstSnapshot.allOpen, open: this.hasRows });
      }
    }
    for (const listener of [...this.listeners]) listener();
  }
}

/** Gives the same arrays as before, unless something in them has changed. */
function reader(copy: Copy): () => Rows {
  const tasks = copy.tasks.query({ sort: "position" });
  const lists = copy.lists.query();
  const trash = copy.tasks.query({ trash: true });
  const listTrash = copy.lists.query({ trash: true });
  return () => ({ tasks: tasks.get(), lists: lists.get(), trash: trash.get(), listTrash: listTrash.get() });
}

/** New rows over those that the page came with. */
function laid(first: Snapshot, rows: Rows): Rows {
  const over = <Row extends Task | List>(old: readonly Row[], now: readonly Row[]) => {
    const ids = new Set(now.map(({ id }) => id));
    return [...old.filter(({ id }) => !ids.has(id)), ...now];
  };
  return { ...rows, tasks: over(first.tasks, rows.tasks), lists: over(first.lists, rows.lists) };
}

function sameRows(one: Rows, other: Rows): boolean {
  const names = ["tasks", "lists", "trash", "listTrash"] as const;
  return names.every((name) => one[name] === other[name] || (one[name].length === 0 && other[name].length === 0));
}

function arranged({ tasks, lists, trash, listTrash }: Rows, { complete = false, allOpen = false, open = false }): Snapshot {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const children = new Map<string, Task[]>();
  for (const task of tasks) {
    // The first rows may be without the task above.
    const above = task.parent_id !== null && byId.has(task.parent_id) ? task.parent_id : "none";
    const siblings = children.get(above);
    if (siblings) siblings.push(task);
    else children.set(above, [task]);
  }
  const latest = <Row extends Task | List>(rows: readonly Row[]) =>
    [...rows].sort((a, b) => (b.deleted_at ?? "").localeCompare(a.deleted_at ?? "") || (a.id < b.id ? 1 : -1));
  return {
    tasks,
    lists,
    byId,
    listById: new Map(lists.map((list) => [list.id, list])),
    children,
    trash: latest(trash),
    listTrash: latest(listTrash),
    complete,
    allOpen,
    open,
  };
}

/** Everything below a task, in the order in which it is shown. */
export function descendants(rows: Pick<Snapshot, "children">, id: string): Task[] {
  return (rows.children.get(id) ?? []).flatMap((task) => [task, ...descendants(rows, task.id)]);
}
