import type { List, Task, Todoward } from "todoward-client";
import type { Conflict, Rejection, Store as Copy, StoreStatus } from "todoward-client/sync";
import { idle } from "./idle.ts";
import type { UserStorage } from "./storage";

/** Rows as the server put them into the page. */
export interface FirstRows {
  tasks: Task[];
  lists: List[];
  /** Whether these are all open tasks and all lists. */
  all: boolean;
}

/** All rows, arranged for whoever shows them; the same object until one of them changes. */
export interface Arranged {
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
}

/** All rows at one moment, and what is known of them. */
export interface Snapshot extends Arranged {
  /** Whether these are all there are, and not only what the page came with. */
  complete: boolean;
  /** Whether these are at least all open tasks, and all lists. */
  allOpen: boolean;
  /** Whether what is done is done at once, and does not wait for the copy. */
  open: boolean;
}

export type Rows = { tasks: readonly Task[]; lists: readonly List[]; trash: readonly Task[]; listTrash: readonly List[] };

/** `storage`: this browser stores nothing; the copy is in memory. `app`: there is no copy, a part of the app is missing. */
type Failure = "storage" | "app";

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
 * The user's rows: those that the page came with, until the copy on this device is open, which begins with them; then
 * the copy.
 */
export class LocalRows {
  private readonly listeners = new Set<() => void>();
  private readonly options: Options;
  private copy: Copy | undefined;
  private opening: Promise<Copy> | undefined;
  private read: (() => Rows) | undefined;
  private complete = false;
  private arranged: Arranged;
  private snapshot: Snapshot;
  /** What the snapshot was made of. */
  private shown: Rows;
  private readonly firstArranged: Arranged;
  private readonly firstSnapshot: Snapshot;
  /** Writes that wait for the copy to open. */
  private waiting: ((copy: Copy) => void)[] = [];
  private readonly gone = new Map<string, string>();
  /** It is closed by this tab. */
  private leaving = false;
  /** Opens the copy now. */
  private hurry: (() => void) | undefined;
  private failure: Failure | undefined;
  private before: StoreStatus = OPENING;

  constructor(options: Options) {
    this.options = options;
    const { tasks = [], lists = [] } = options.first ?? {};
    // In the order of the copy: where it has the same rows, nothing is drawn again.
    this.shown = { tasks: [...tasks].sort(byPosition), lists: [...lists].sort(byPosition), trash: [], listTrash: [] };
    this.arranged = this.firstArranged = arranged(this.shown);
    this.snapshot = this.firstSnapshot = { ...this.arranged, complete: false, allOpen: options.first?.all === true, open: false };
  }

  /** Opens the copy; gives the function that closes it. */
  start(): () => void {
    this.leaving = false;
    let ended = false;
    let copy: Copy | undefined;
    this.opening = this.open();
    this.opening.then(
      (opened) => {
        if (ended) return opened.close();
        copy = opened;
        this.opened(opened);
      },
      (error: unknown) => {
        if (ended) return;
        this.failure = "app";
        this.before = { ...this.before, state: "error", error: String(error) };
        this.tell();
      },
    );
    // What was not sent ends with the page.
    const leave = (event: BeforeUnloadEvent) => {
      if (this.failure && this.status().pending && !this.leaving) event.preventDefault();
    };
    window.addEventListener("beforeunload", leave);
    return () => {
      ended = true;
      this.leaving = true;
      window.removeEventListener("beforeunload", leave);
      copy?.close();
      if (this.copy === copy) this.copy = undefined;
    };
  }

  private async open(): Promise<Copy> {
    // Not needed for the first look at the page, so not in its first script.
    const { connect, onConflict, onRejected, first } = this.options;
    // Nor before the page takes input; but what the user does needs it at once.
    await Promise.race([idle(CALM), new Promise<void>((resolve) => (this.hurry = resolve))]);
    const [{ openStore }, client] = await Promise.all([import("todoward-client/sync"), connect()]);
    const options = { client, onConflict, onRejected, seed: first ?? undefined };
    const opening = openStore(options);
    try {
      return await inTime(opening, PATIENCE);
    } catch (error) {
      console.warn("no IndexedDB:", error);
      // Should it open after all: there is one already.
      opening.then((late) => late.close(), () => undefined);
      this.failure = "storage";
      return openStore({ ...options, memory: true });
    }
  }

  private opened(copy: Copy) {
    this.copy = copy;
    this.read = reader(copy);
    const { tasks, lists } = this.firstSnapshot;
    const isEmpty = copy.tasks.list().length + copy.lists.list().length === 0;
    this.complete = this.isCopied && !this.failure && !(isEmpty && tasks.length + lists.length > 0);
    const follow = () => {
      if (copy.status.state === "closed") {
        if (this.copy === copy && !this.leaving) this.options.onGone();
        return;
      }
      this.look();
      this.tell();
    };
    copy.subscribe(follow);
    for (const run of this.waiting.splice(0)) run(copy);
    follow();
  }

  /** Whether the copy is complete now. */
  private look() {
    if (this.complete || this.copy?.status.state !== "synced") return;
    // Of what is in memory nothing is there the next time.
    if (!this.failure) this.options.settings.write("copied", true);
    this.complete = true;
  }

  /** Runs a write: at once, or as soon as the copy is open. */
  write(run: (copy: Copy) => void) {
    if (this.copy) return run(this.copy);
    this.waiting.push(run);
    this.hurry?.();
    this.before = { ...this.before, pending: this.waiting.length };
    this.tell();
  }

  /** Whether this device has had all rows before. */
  get isCopied(): boolean {
    return this.options.settings.read("copied", false);
  }

  /** What is wrong with the copy on this device. */
  get unavailable(): Failure | undefined {
    return this.failure;
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  get = (): Snapshot => this.snapshot;

  /** What the server rendered. */
  getFirst = (): Snapshot => this.firstSnapshot;

  /** The rows without what is known of them, which changes while they stay. */
  getArranged = (): Arranged => this.arranged;

  getFirstArranged = (): Arranged => this.firstArranged;

  status = (): StoreStatus => this.copy?.status ?? this.before;

  statusAtFirst = (): StoreStatus => OPENING;

  /** At sign-out: nothing of this user stays on the device. */
  async wipe() {
    this.leaving = true;
    this.options.settings.write("copied", undefined);
    const copy = this.copy ?? (await this.opening?.catch(() => undefined));
    await copy?.wipe();
  }

  sync() {
    void this.copy?.sync().catch(() => undefined);
  }

  /** Sends what waits, if that is a matter of a moment. Gives how many writes are left. */
  async sendNow(): Promise<number> {
    const { pending } = this.status();
    if (pending === 0) return 0;
    const copy = this.copy ?? (await this.opening?.catch(() => undefined));
    if (copy) await inTime(copy.sync(), MOMENT).catch(() => undefined);
    return this.status().pending;
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
      const rows = asBefore(this.read(), this.shown);
      const isNew = rows !== this.shown;
      if (isNew) {
        this.remember(rows);
        this.shown = rows;
        this.arranged = arranged(rows);
      }
      const { complete } = this;
      const flags = { complete, allOpen: complete || this.firstSnapshot.allOpen, open: true };
      if (isNew || complete !== this.snapshot.complete || !this.snapshot.open) this.snapshot = { ...this.arranged, ...flags };
    }
    for (const listener of [...this.listeners]) listener();
  }
}

/** Milliseconds after which a database that does not open is one that is not there. */
const PATIENCE = 5000;
/** Milliseconds that the copy is not opened for as long as there is something else to do. */
const CALM = 500;
/** Milliseconds that nobody minds. */
const MOMENT = 1500;

function inTime<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("it takes too long")), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(late));
  });
}

/** Gives the same arrays as before, unless something in them has changed. */
function reader(copy: Copy): () => Rows {
  const tasks = copy.tasks.query({ sort: "position" });
  const lists = copy.lists.query();
  const trash = copy.tasks.query({ trash: true });
  const listTrash = copy.lists.query({ trash: true });
  return () => ({ tasks: tasks.get(), lists: lists.get(), trash: trash.get(), listTrash: listTrash.get() });
}

/** The rows, with each array and each row that is as it was as the same object: what did not change is not drawn again. */
export function asBefore(now: Rows, before: Rows): Rows {
  const kept: Rows = {
    tasks: keep(now.tasks, before.tasks),
    lists: keep(now.lists, before.lists),
    trash: keep(now.trash, before.trash),
    listTrash: keep(now.listTrash, before.listTrash),
  };
  const names = ["tasks", "lists", "trash", "listTrash"] as const;
  return names.every((name) => kept[name] === before[name]) ? before : kept;
}

function keep<Row extends Task | List>(now: readonly Row[], before: readonly Row[]): readonly Row[] {
  if (now === before) return before;
  const known = new Map(before.map((row) => [row.id, row]));
  const kept = now.map((row) => {
    const earlier = known.get(row.id);
    return earlier && sameRow(earlier, row) ? earlier : row;
  });
  return kept.length === before.length && kept.every((row, at) => row === before[at]) ? before : kept;
}

/** The page comes with rows; the copy of this device has the same ones, as other objects. */
function sameRow<Row extends Task | List>(one: Row, other: Row): boolean {
  if (one === other) return true;
  const keys = Object.keys(other) as (keyof Row)[];
  return keys.every((key) => one[key] === other[key] || (typeof other[key] === "object" && JSON.stringify(one[key]) === JSON.stringify(other[key])));
}

/** As the copy sorts. */
function byPosition(one: Task | List, other: Task | List): number {
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

function arranged({ tasks, lists, trash, listTrash }: Rows): Arranged {
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
  };
}

/** Everything below a task, in the order in which it is shown. */
export function descendants(rows: Pick<Snapshot, "children">, id: string): Task[] {
  return (rows.children.get(id) ?? []).flatMap((task) => [task, ...descendants(rows, task.id)]);
}
