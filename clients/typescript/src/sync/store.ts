import {
  type CompleteOptions,
  type List,
  type ListFields,
  type ListMove,
  type ListPatch,
  newId,
  type Task,
  type TaskFields,
  type TaskMove,
  type TaskPatch,
  type Todoward,
} from "../index.js";
import { newIdempotencyKey } from "../key.js";
import { WRITTEN_BY_THE_SERVER } from "../stored.js";
import { applied, type Contents, type Copy, Database, type Delta, type Seed, Wiped } from "./database.js";
import { Leader } from "./leader.js";
import { same } from "./merge.js";
import { Overlay } from "./overlay.js";
import { perform, valuesOf } from "./perform.js";
import { type LocalListQuery, type LocalTaskQuery, selectLists, selectTasks } from "./query.js";
import { type Action, type Conflict, type Kind, KINDS, type Rejection, type RowOf, type Status, type Values, type Write } from "./types.js";
import { Unsaved } from "./unsaved.js";

export interface StoreOptions {
  /** Made with the option `user`: the copy is this user's, and no other user's token sends from it. */
  client: Todoward;
  /** Of the database, before the user's id; default `todoward`. Give another one for another server. */
  name?: string | undefined;
  /**
   * One field was changed here and, in another way, on the server. Gives the value that it gets; undefined: that of
   * this device. It may take its time; until then nothing else is sent. Called in the tab that sends.
   */
  onConflict?: ((conflict: Conflict) => unknown) | undefined;
  /** The server refused a write for good; it is taken back. Called in every tab. */
  onRejected?: ((rejection: Rejection) => void) | undefined;
  /**
   * Rows that are here already, as a page that was rendered on the server comes with them. They are shown, and can be
   * written, before the first pull of a new copy; afterwards they do nothing.
   */
  seed?: Seed | undefined;
  /**
   * Keeps copy and queue in memory, where there is no IndexedDB: each tab has its own, and what is not sent yet is lost
   * with the page. Default false.
   */
  memory?: boolean | undefined;
  /** Milliseconds between two pulls while the server cannot tell of changes by itself; default 60 000. */
  pollInterval?: number | undefined;
}

/** A list of rows that stays up to date. It fits React's `useSyncExternalStore(query.subscribe, query.get)`. */
export interface Query<Row> {
  /** The rows now: the same array as before, unless something in it has changed. */
  readonly get: () => readonly Row[];
  /** Calls after each change of the store; gives the function that ends it. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** What was called for is not possible any more, because the store was closed or wiped. */
export class StoreClosed extends Error {
  override readonly name = "StoreClosed";

  constructor() {
    super("this store was closed or wiped");
  }
}

type Message =
  | { type: "delta"; delta: Delta }
  | { type: "rejected"; rejection: Omit<Rejection, "own">; key: string }
  | { type: "status"; state: Status["state"]; error: string | undefined }
  | { type: "hello" }
  | { type: "leading" }
  | { type: "wake" }
  | { type: "ask"; key: string }
  | { type: "reply"; key: string; error: unknown }
  | { type: "wiped" };

interface Waiting {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * One user's tasks and lists, kept on the device: reads are instant, writes are applied at once and sent when the
 * server can be reached, and what others change arrives by itself. Made by `openStore`. All tabs share one copy and
 * one queue; one of them sends and pulls.
 */
export class Store {
  readonly tasks: Tasks;
  readonly lists: Lists;
  readonly user: string;

  readonly #options: StoreOptions;
  readonly #databaseName: string;
  readonly #database: Copy;
  readonly #channel: BroadcastChannel;
  readonly #ended = new AbortController();
  /** Of this tab; the keys of its writes begin with it. */
  readonly #tab = newIdempotencyKey();
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Map<string, Waiting>();

  #contents: Contents;
  /** Writes that are not in the database yet. */
  #unsaved: Write[] = [];
  readonly #saving = new Set<Promise<void>>();
  #overlay: Overlay | undefined;
  #lastOverlay: Overlay | undefined;
  /** Grows with each change of what reads give. */
  #stamp = 0;
  #reading: Promise<void> | undefined;
  #newest = 0;
  #leader: Leader | undefined;
  #status: Status = { state: "syncing", pending: 0, leader: false };
  #numbers = 0;

  /** @internal */
  constructor(options: StoreOptions, user: string, name: string, database: Copy, contents: Contents) {
    this.#options = options;
    this.user = user;
    this.#databaseName = name;
    this.#database = database;
    this.#contents = contents;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data);
    const collection = <K extends Kind>(kind: K) => ({
      get: (id: string) => this.#view().get(kind, id),
      all: () => this.#view().all(kind),
      stamp: () => this.#stamp,
      subscribe: this.subscribe,
      write: (id: string, action: Action) => this.#write(kind, id, action),
    });
    this.tasks = new Tasks(collection("task"));
    this.lists = new Lists(collection("list"));
    this.#post({ type: "hello" });
    this.#campaign();
    const wake = () => this.#wake();
    listen("online", wake, this.#ended.signal);
    // A page that was frozen may have missed messages.
    const back = () => void this.#missed().then(wake, (error: unknown) => error instanceof Wiped && this.deleted());
    listen("pageshow", (event) => (event as PageTransitionEvent).persisted && back(), this.#ended.signal);
    listen("visibilitychange", () => document.visibilityState === "visible" && back(), this.#ended.signal);
  }

  /** How it stands: the same object as before, unless something in it has changed. */
  get status(): Status {
    return this.#status;
  }

  /** Calls after each change of rows or status; gives the function that ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const one = () => listener();
    this.#listeners.add(one);
    return () => this.#listeners.delete(one);
  };

  /**
   * Sends and pulls now. Resolves when all that was written before is sent, and all that the server had is here; is
   * rejected with what prevents it, for example `TodowardUnreachable`.
   */
  async sync(): Promise<void> {
    await Promise.allSettled(this.#saving);
    if (this.#ended.signal.aborted) throw new StoreClosed();
    return new Promise((resolve, reject) => {
      const key = this.#key();
      this.#waiting.set(key, { resolve, reject });
      this.#ask(key);
    });
  }

  /** Ends this tab's part; the copy and the queue stay. */
  close(): void {
    if (this.#ended.signal.aborted) return;
    this.#end();
    this.#database.close();
  }

  /**
   * To be called at sign-out: deletes the copy and the queue, in all tabs, and closes the stores there. Writes that
   * were not sent are lost: `status.pending` says how many.
   */
  async wipe(): Promise<void> {
    // Closed, or wiped by another tab, too.
    if (this.#ended.signal.aborted) return this.#options.memory ? undefined : Database.delete(this.#databaseName);
    this.#post({ type: "wiped" });
    this.#empty();
    await this.#database.wipe();
  }

  /** @internal Rows that it began with; the other tabs are told. */
  seeded(delta: Delta): void {
    this.#post({ type: "delta", delta });
  }

  /** @internal The database is deleted, by another tab or by the browser. */
  deleted(): void {
    if (this.#ended.signal.aborted) return;
    this.#empty();
    this.#database.close();
  }

  /** Whoever still holds this store reads nothing from it any more. */
  #empty(): void {
    this.#contents = { ...this.#contents, records: { task: new Map(), list: new Map() }, queue: [] };
    this.#unsaved = [];
    this.#changed();
    this.#end();
  }

  #end(): void {
    const closed = new StoreClosed();
    this.#ended.abort(closed);
    this.#channel.close();
    this.#waiting.forEach(({ reject }) => reject(closed));
    this.#waiting.clear();
    this.#setStatus({ state: "closed", leader: false });
  }

  // Reads.

  #view(): Overlay {
    if (this.#overlay) return this.#overlay;
    const rows = new Overlay(this.#contents.records);
    for (const write of this.#pending()) perform(write, rows, this.user);
    // A row that is as it was stays the same object, so that nothing is drawn again.
    const last = this.#lastOverlay;
    for (const kind of KINDS) {
      for (const [id, row] of rows.changed[kind] as Map<string, RowOf[Kind] | null>) {
        const before = last?.changed[kind].get(id);
        if (row && before && same(row, before)) rows.set(kind, before);
      }
    }
    this.#lastOverlay = rows;
    return (this.#overlay = rows);
  }

  #pending(): Write[] {
    return [...this.#contents.queue, ...this.#unsaved];
  }

  #changed(): void {
    this.#overlay = undefined;
    this.#stamp += 1;
    this.#setStatus({});
    this.#listeners.forEach((listener) => listener());
  }

  #setStatus(change: Partial<Status>): void {
    const { error: _, ...rest } = this.#status;
    const kept = "state" in change ? rest : this.#status;
    const status = { ...kept, ...change, pending: this.#contents.queue.length + this.#unsaved.length };
    if (same(status, this.#status)) return;
    this.#status = status;
    if ("state" in change) this.#listeners.forEach((listener) => listener());
  }

  // Writes.

  async #write<K extends Kind>(kind: K, id: string, action: Action): Promise<RowOf[K] | undefined> {
    if (this.#ended.signal.aborted) throw new StoreClosed();
    // What the caller changes in it later is another write.
    const own = JSON.parse(JSON.stringify(action)) as Action;
    const at = new Date().toISOString();
    const before = this.#view().get(kind, id);
    const wrong = objection(action, before);
    if (wrong) throw new TypeError(`the ${kind} ${id} ${wrong}`);
    const write: Write = { key: this.#key(), kind, id, at, action: own, before: {}, after: {} };
    this.#unsaved.push(write);
    this.#changed();
    const after = this.#view().get(kind, id);
    Object.assign(write, touched(kind, own, before, after));
    const saving = this.#save(write);
    this.#saving.add(saving);
    await saving.finally(() => this.#saving.delete(saving));
    this.#leader?.wake(false);
    return after;
  }

  async #save(write: Write): Promise<void> {
    try {
      const delta = await this.#database.enqueue(write);
      this.#post({ type: "delta", delta });
      await this.#apply(delta);
    } catch (error) {
      this.#unsaved = this.#unsaved.filter((one) => one !== write);
      this.#changed();
      throw error;
    }
  }

  #key(): string {
    return `${this.#tab}-${(this.#numbers += 1)}`;
  }

  // The database, and the other tabs.

  /** Takes over what this or another tab has changed in the database. */
  async #apply(delta: Delta): Promise<void> {
    const { revision } = this.#contents.state;
    this.#newest = Math.max(this.#newest, delta.revision);
    if (delta.revision <= revision || this.#ended.signal.aborted) return;
    if (this.#reading || delta.revision > revision + 1) return this.#missed();
    applied(this.#contents, delta);
    this.#saved();
  }

  /** Reads everything again, if another tab has changed something without this one hearing of it. */
  async #missed(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { revision } = this.#contents.state;
    if ((await this.#database.revision()) === revision && this.#newest <= revision) return;
    do {
      const contents = await this.#database.read();
      if (this.#ended.signal.aborted) return;
      this.#contents = contents;
    } while (this.#contents.state.revision < this.#newest);
    this.#saved();
  }

  #saved(): void {
    const saved = new Set(this.#contents.queue.map(({ key }) => key));
    this.#unsaved = this.#unsaved.filter(({ key }) => !saved.has(key));
    this.#changed();
  }

  async #commit(make: (queue: Write[]) => Omit<Delta, "revision">): Promise<void> {
    if (this.#ended.signal.aborted) throw new StoreClosed();
    const delta = await this.#database.change(make);
    this.#post({ type: "delta", delta });
    await this.#apply(delta);
  }

  #post(message: Message): void {
    if (!this.#ended.signal.aborted) this.#channel.postMessage(message);
  }

  #receive(message: Message): void {
    if (this.#ended.signal.aborted) return;
    switch (message.type) {
      case "delta":
        void this.#apply(message.delta).then(() => this.#leader?.wake(false), () => undefined);
        break;
      case "rejected":
        this.#rejected(message.rejection, message.key);
        break;
      case "status":
        this.#setStatus({ state: message.state, ...(message.error !== undefined && { error: message.error }) });
        break;
      case "hello":
        if (this.#leader) this.#postStatus();
        break;
      case "leading":
        for (const key of this.#waiting.keys()) this.#ask(key);
        break;
      case "wake":
        this.#leader?.wake(true);
        break;
      case "ask":
        this.#asked(message.key);
        break;
      case "reply":
        this.#reply(message.key, message.error);
        break;
      case "wiped":
        this.deleted();
    }
  }

  #wake(): void {
    if (this.#leader) this.#leader.wake(true);
    else this.#post({ type: "wake" });
  }

  #ask(key: string): void {
    if (this.#leader) this.#leader.ask((error) => this.#reply(key, error));
    else this.#post({ type: "ask", key });
  }

  /** By another tab, whose writes may not be here yet. */
  #asked(key: string): void {
    const reply = (error?: unknown) => this.#post({ type: "reply", key, error: plain(error) });
    void Promise.resolve(this.#reading).then(() => this.#leader?.ask(reply), reply);
  }

  #reply(key: string, error: unknown): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }

  #rejected(rejection: Omit<Rejection, "own">, key: string): void {
    // What it throws is the page's, and stops nothing here.
    queueMicrotask(() => this.#options.onRejected?.({ ...rejection, own: key.startsWith(this.#tab) }));
  }

  #postStatus(): void {
    this.#post({ type: "status", state: this.#status.state, error: this.#status.error });
  }

  /** Leads as soon as no other tab does, until it ends. */
  #campaign(): void {
    const { signal } = this.#ended;
    const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
    const leading = locks ? locks.request(this.#databaseName, { signal }, () => this.#lead()) : this.#lead();
    leading.catch((error: unknown) => {
      if (!signal.aborted) this.#setStatus({ state: "error", error: String(error), leader: false });
    });
  }

  async #lead(): Promise<void> {
    // The leader before may have done more than it could tell.
    await this.#missed();
    const leader = new Leader({
      client: this.#options.client,
      user: this.user,
      contents: () => this.#contents,
      commit: (make) => this.#commit(make),
      report: (state, error) => {
        this.#setStatus({ state, ...(error !== undefined && { error: String(error) }) });
        this.#postStatus();
      },
      reject: (rejection, { key }) => {
        this.#post({ type: "rejected", rejection, key });
        this.#rejected(rejection, key);
      },
      onConflict: this.#options.onConflict,
      pollInterval: this.#options.pollInterval ?? 60_000,
    });
    this.#leader = leader;
    this.#setStatus({ leader: true });
    this.#post({ type: "leading" });
    for (const key of this.#waiting.keys()) this.#ask(key);
    await leader.run(this.#ended.signal);
  }
}

/** A collection as the store gives it. */
interface Collection<K extends Kind> {
  get(id: string): RowOf[K] | undefined;
  all(): RowOf[K][];
  stamp(): number;
  subscribe(listener: () => void): () => void;
  write(id: string, action: Action): Promise<RowOf[K] | undefined>;
}

/**
 * What tasks and lists have in common. A write is applied when the call returns, and saved when its promise resolves:
 * then it is sent, also after a restart. A write of what is not here is a `TypeError`.
 */
abstract class Rows<K extends Kind, LocalQuery, Patch extends object, Move> {
  protected readonly rows: Collection<K>;

  constructor(rows: Collection<K>) {
    this.rows = rows;
  }

  protected abstract select(rows: RowOf[K][], query: LocalQuery): RowOf[K][];

  /** Undefined if it is not there, or in the trash. */
  get(id: string): RowOf[K] | undefined {
    const row = this.rows.get(id);
    return row?.deleted_at === null ? row : undefined;
  }

  list(query = {} as LocalQuery): RowOf[K][] {
    return this.select(this.rows.all(), query);
  }

  /** The same, kept up to date. Make it once, not at each draw. */
  query(query = {} as LocalQuery): Query<RowOf[K]> {
    let stamp: number | undefined;
    let last: readonly RowOf[K][] = [];
    const get = () => {
      if (stamp === this.rows.stamp()) return last;
      stamp = this.rows.stamp();
      const now = this.list(query);
      if (now.length !== last.length || now.some((row, at) => row !== last[at])) last = now;
      return last;
    };
    return { get, subscribe: this.rows.subscribe };
  }

  /** Writes the fields that the patch has: what is absent stays, `null` clears. */
  async update(id: string, patch: Patch): Promise<RowOf[K]> {
    return (await this.rows.write(id, { type: "update", patch: written(patch) }))!;
  }

  async move(id: string, to: Move): Promise<RowOf[K]> {
    return (await this.rows.write(id, { type: "move", to: to as TaskMove }))!;
  }

  /** To the trash; or, with `permanent`, away for good. */
  async delete(id: string, { permanent }: { permanent?: boolean | undefined } = {}): Promise<void> {
    await this.rows.write(id, { type: "delete", permanent });
  }

  /** Out of the trash. */
  async restore(id: string): Promise<RowOf[K]> {
    return (await this.rows.write(id, { type: "restore" }))!;
  }
}

/** The tasks of a store. */
export class Tasks extends Rows<"task", LocalTaskQuery, TaskPatch, TaskMove> {
  protected override select(rows: Task[], query: LocalTaskQuery): Task[] {
    return selectTasks(rows, query);
  }

  /** It has the id that is given, of `newId()`, or a new one. */
  async create(fields: TaskFields, { id = newId() }: { id?: string | undefined } = {}): Promise<Task> {
    return (await this.rows.write(id, { type: "create", fields: written(fields) }))!;
  }

  override update(id: string, patch: TaskPatch): Promise<Task> {
    // To the server, a list alone means the top level there.
    const { list_id, parent_id } = patch;
    return super.update(id, list_id !== undefined && parent_id === undefined ? { ...patch, parent_id: null } : patch);
  }

  /** Sets whether it is done. The next task of a series comes from the server. */
  async complete(
    id: string,
    completed = true,
    { subtasks, on }: Pick<CompleteOptions, "subtasks" | "on"> = {},
  ): Promise<Task> {
    return (await this.rows.write(id, { type: "complete", completed, subtasks, on }))!;
  }
}

/** The lists of a store. */
export class Lists extends Rows<"list", LocalListQuery, ListPatch, ListMove> {
  protected override select(rows: List[], query: LocalListQuery): List[] {
    return selectLists(rows, query);
  }

  /** It has the id that is given, of `newId()`, or a new one. */
  async create(fields: ListFields, { id = newId() }: { id?: string | undefined } = {}): Promise<List> {
    return (await this.rows.write(id, { type: "create", fields: written(fields) }))!;
  }
}

/**
 * Opens the user's copy; it is there when the promise resolves, and gets up to date by itself. Needs IndexedDB and
 * BroadcastChannel, and the Web Locks API where more than one tab has it open.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { user } = options.client;
  if (user === undefined) throw new TypeError("the client of a store needs the option user: whose copy is it?");
  const name = `${options.name ?? "todoward"}:${user}`;
  if (options.memory) return storeOn(new Unsaved(user), `${name}:${newIdempotencyKey()}`);
  let store: Store | undefined;
  let deleted = false;
  const database = await Database.open(name, user, () => {
    deleted = true;
    store?.deleted();
  });
  store = await storeOn(database, name);
  if (deleted) store.deleted();
  return store;

  async function storeOn(copy: Copy, name: string): Promise<Store> {
    // A full disk: it can do without.
    const seeded = options.seed && (await copy.seed(options.seed).catch(() => undefined));
    const store = new Store(options, user!, name, copy, await copy.read());
    if (seeded) store.seeded(seeded);
    return store;
  }
}

/** Why a row cannot be written so. */
function objection({ type }: Action, row: Task | List | undefined): string | undefined {
  if (type === "create") return row && "is there already";
  if (!row) return "is not there";
  if (type === "restore") return row.deleted_at === null ? "is not in the trash" : undefined;
  return row.deleted_at !== null && type !== "delete" ? "is in the trash" : undefined;
}

/** The fields that a write names or changes, before and after. */
function touched(kind: Kind, action: Action, before: object | undefined, after: object | undefined) {
  const [old, now] = [valuesOf(kind, before), valuesOf(kind, after)];
  const named = action.type === "update" ? Object.keys(action.patch) : [];
  const fields = Object.keys(now).filter((field) => named.includes(field) || !same(old[field], now[field]));
  const only = (values: Values) => Object.fromEntries(Object.entries(values).filter(([field]) => fields.includes(field)));
  return { before: only(old), after: only(now) };
}

/** Without what is not there, and what the server writes. */
function written<T extends object>(fields: T): T {
  const kept = Object.entries(fields).filter(([field, value]) => value !== undefined && !WRITTEN_BY_THE_SERVER.includes(field));
  return Object.fromEntries(kept) as T;
}

/** What can be sent to another tab. */
function plain(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return Object.assign(new Error(error.message), { name: error.name });
}

function listen(event: string, listener: (event: Event) => unknown, signal: AbortSignal): void {
  const target = event === "visibilitychange" ? globalThis.document : globalThis;
  target?.addEventListener?.(event, listener, { signal });
}
