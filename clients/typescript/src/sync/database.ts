import { deleteDB, type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { List, Task } from "../index.js";
import type { Records } from "./overlay.js";
import { type Kind, KINDS, type Rec, type Write } from "./types.js";

/** Of the layout. */
const LAYOUT = 1;

/** What is kept beside rows and writes. */
export interface State {
  /** Whose copy it is. */
  user: string;
  /** How far it has been pulled; undefined: a new copy is to begin. */
  cursor?: string | undefined;
  /** The copy that is being pulled; rows of an older one are thrown away when it is complete. */
  copy: number;
  /** Grows with each change, by which tabs notice that they have missed one. */
  revision: number;
}

/** What a change has done to the database. */
export interface Delta {
  revision: number;
  state?: Partial<State>;
  rows?: { [K in Kind]?: Rec[] };
  gone?: { [K in Kind]?: string[] };
  /** Writes that are new, or changed. */
  queue?: Write[];
  /** Writes that are done, by place. */
  done?: number[];
}

export interface Contents {
  state: State;
  records: Records;
  queue: Write[];
}

/** Rows as a page comes with them. */
export interface Seed {
  tasks?: readonly Task[];
  lists?: readonly List[];
}

interface Layout extends DBSchema {
  task: { key: string; value: Rec<Task> };
  list: { key: string; value: Rec<List> };
  queue: { key: number; value: Write };
  state: { key: string; value: State };
}

const STORES = ["task", "list", "queue", "state"] as const;

/** What a store keeps its rows and writes in. */
export interface Copy {
  revision(): Promise<number>;
  /** Everything, as it is at one moment. */
  read(): Promise<Contents>;
  /** Puts a write at the end of the queue; resolves when it is kept. */
  enqueue(write: Write): Promise<Delta>;
  /** Makes a change, all or nothing. `make` sees the whole queue, also what other tabs have put there. */
  change(make: (queue: Write[]) => Omit<Delta, "revision">): Promise<Delta>;
  /**
   * Rows that are known from elsewhere, for a copy that has never been pulled: they count as rows of an older copy, so
   * the first pull says what is true of them.
   */
  seed(rows: Seed): Promise<Delta>;
  /** Empties it. */
  wipe(): Promise<void>;
  close(): void;
}

/** Another tab has emptied the database. */
export class Wiped extends Error {
  constructor() {
    super("another tab has wiped this database");
  }
}

/** The copy and the queue of one user, in IndexedDB. */
export class Database implements Copy {
  readonly #db: IDBPDatabase<Layout>;
  readonly #user: string;

  private constructor(db: IDBPDatabase<Layout>, user: string) {
    this.#db = db;
    this.#user = user;
  }

  /** `onDeleted`: another tab is about to delete it, or the browser has. */
  static async open(name: string, user: string, onDeleted: () => void): Promise<Database> {
    const db = await openDB<Layout>(name, LAYOUT, {
      upgrade(db) {
        for (const kind of KINDS) db.createObjectStore(kind, { keyPath: "id" });
        db.createObjectStore("queue", { keyPath: "seq", autoIncrement: true });
        void db.createObjectStore("state").put({ user, copy: 1, revision: 0 }, "state");
      },
      blocking: onDeleted,
      terminated: onDeleted,
    });
    return new Database(db, user);
  }

  async revision(): Promise<number> {
    return this.#mine(await this.#db.get("state", "state")).revision;
  }

  async read(): Promise<Contents> {
    const tx = this.#db.transaction(STORES, "readonly");
    const [state, tasks, lists, queue] = await Promise.all([
      tx.objectStore("state").get("state"),
      tx.objectStore("task").getAll(),
      tx.objectStore("list").getAll(),
      tx.objectStore("queue").getAll(),
    ]);
    return { state: this.#mine(state), records: { task: byId(tasks), list: byId(lists) }, queue };
  }

  async enqueue(write: Write): Promise<Delta> {
    return this.#change(["queue", "state"], async (tx) => {
      const seq = await tx.objectStore("queue").add(write);
      return { queue: [{ ...write, seq }] };
    });
  }

  async seed({ tasks = [], lists = [] }: Seed): Promise<Delta> {
    return this.#change(STORES, async (tx) => {
      const { cursor, copy } = this.#mine(await tx.objectStore("state").get("state"));
      if (cursor !== undefined) return {};
      const missing = async <Row extends Task | List>(kind: Kind, rows: readonly Row[]): Promise<Rec<Row>[]> => {
        const known = new Set(await tx.objectStore(kind).getAllKeys());
        const records = rows.filter(({ id }) => !known.has(id)).map((row) => ({ id: row.id, row, copy }));
        await Promise.all(records.map((record) => tx.objectStore(kind).put(record as Rec<Task & List>)));
        return records;
      };
      return { rows: { task: await missing("task", tasks), list: await missing("list", lists) } };
    });
  }

  async change(make: (queue: Write[]) => Omit<Delta, "revision">): Promise<Delta> {
    return this.#change(STORES, async (tx) => {
      const queue = tx.objectStore("queue");
      const delta = make(await queue.getAll());
      const puts = (delta.queue ?? []).map((write) => queue.put(write));
      const deletes = (delta.done ?? []).map((seq) => queue.delete(seq));
      const rows = KINDS.flatMap((kind) => {
        const store = tx.objectStore(kind);
        const kept = (delta.rows?.[kind] ?? []) as Rec<Task & List>[];
        return [...kept.map((one) => store.put(one)), ...(delta.gone?.[kind] ?? []).map((id) => store.delete(id))];
      });
      await Promise.all<unknown>([...puts, ...deletes, ...rows]);
      return delta;
    });
  }

  async #change<Names extends (typeof STORES)[number][] | typeof STORES>(
    names: Names,
    make: (tx: Transaction) => Promise<Omit<Delta, "revision">>,
  ): Promise<Delta> {
    // Strict: what the user was told is saved outlives a power cut.
    const tx = this.#db.transaction(names, "readwrite", { durability: "strict" }) as unknown as Transaction;
    const ended = tx.done;
    // Whoever waits for the rest of this function is told.
    ended.catch(() => undefined);
    try {
      const states = tx.objectStore("state");
      const state = this.#mine(await states.get("state"));
      const made = await make(tx);
      const revision = state.revision + 1;
      await states.put({ ...state, ...made.state, revision }, "state");
      await ended;
      return { ...made, revision };
    } catch (error) {
      try {
        tx.abort();
      } catch {
        // It has ended already.
      }
      throw error;
    }
  }

  #mine(state: State | undefined): State {
    if (!state) throw new Wiped();
    if (state.user !== this.#user) throw new Error("this database is another user's");
    return state;
  }

  close(): void {
    this.#db.close();
  }

  /** Empties it, and then deletes it as soon as all tabs have closed it. */
  async wipe(): Promise<void> {
    const tx = this.#db.transaction(STORES, "readwrite", { durability: "strict" });
    await Promise.all(STORES.map((store) => tx.objectStore(store).clear()));
    await tx.done;
    this.close();
    await Database.delete(this.#db.name);
  }

  static delete(name: string): Promise<void> {
    // A tab that is frozen holds it open until it goes on.
    return new Promise((done, failed) => {
      deleteDB(name, { blocked: () => done() }).then(done, failed);
    });
  }
}

type Transaction = import("idb").IDBPTransaction<Layout, typeof STORES, "readwrite">;

function byId<Row extends Task | List>(records: Rec<Row>[]): Map<string, Rec<Row>> {
  return new Map(records.map((record) => [record.id, record]));
}

/** Does to the contents what a change has done to what they were read from. */
export function applied({ state, records, queue }: Contents, delta: Delta): void {
  Object.assign(state, delta.state, { revision: delta.revision });
  for (const kind of KINDS) {
    const rows = records[kind] as Map<string, object>;
    for (const row of delta.rows?.[kind] ?? []) rows.set(row.id, row);
    for (const id of delta.gone?.[kind] ?? []) rows.delete(id);
  }
  const changed = new Map((delta.queue ?? []).map((write) => [write.seq, write]));
  const done = new Set(delta.done);
  const kept = queue.filter(({ seq }) => !done.has(seq!)).map((write) => changed.get(write.seq) ?? write);
  const known = new Set(kept.map(({ seq }) => seq));
  queue.splice(0, queue.length, ...kept, ...[...changed.values()].filter(({ seq }) => !known.has(seq)));
}
