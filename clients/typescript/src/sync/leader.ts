import {
  isProblem,
  type List,
  type ListMove,
  SignedOut,
  type Task,
  type TaskMove,
  type Todoward,
  type TodowardProblem,
  TodowardUnreachable,
} from "../index.js";
import { throwIfAborted } from "../abort.js";
import type { Contents, Delta } from "./database.js";
import { merged, rebased, same } from "./merge.js";
import { Overlay } from "./overlay.js";
import { perform, valuesOf } from "./perform.js";
import { type Conflict, type Kind, KINDS, type Rec, type Rejection, type Status, type Values, type Write } from "./types.js";

/** The store as its leader sees it. */
export interface Led {
  readonly client: Todoward;
  readonly user: string;
  /** The copy as it is in the database. */
  contents(): Contents;
  /** Changes the database, and tells all tabs. */
  commit(make: (queue: Write[]) => Omit<Delta, "revision">): Promise<void>;
  report(state: Status["state"], error?: unknown): void;
  reject(rejection: Omit<Rejection, "own">, write: Write): void;
  onConflict: ((conflict: Conflict) => unknown) | undefined;
  /** Milliseconds between two pulls while the server tells of no changes by itself. */
  pollInterval: number;
}

const FIRST_BACKOFF = 500;
const LAST_BACKOFF = 60_000;
/** Rows of a page. */
const LIMIT = 1000;

/** Problems of the write itself, which no repeat makes good. */
const REFUSED = [400, 403, 404, 413, 422];
/** Of these, the token, the server's address or its release are to blame. */
const NOT_THE_WRITE = ["insufficient_scope", "foreign_path", "no_such_address"];

/**
 * Sends the queue, one write after the other, and pulls what has changed. Only one tab does so, and never two things
 * at the same time: so the state of a row that is pulled is never older than that of a response.
 */
export class Leader {
  readonly #store: Led;
  #pullWanted = true;
  #pulling = false;
  #streaming = false;
  #listening = false;
  #asked: ((error?: unknown) => void)[] = [];
  #wake: ((urgent: boolean) => void) | undefined;

  constructor(store: Led) {
    this.#store = store;
  }

  /** Something is to be sent; or, with `pull`, the server has something, and waiting after a failure ends. */
  wake(pull: boolean): void {
    if (pull) this.#pullWanted = true;
    this.#wake?.(pull);
  }

  /** Replies when all that is here now is sent, and all that is there now is here; or with the next failure. */
  ask(reply: (error?: unknown) => void): void {
    this.#asked.push(reply);
    this.wake(true);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const asked = this.#asked.length;
      try {
        this.#store.report("syncing");
        while (await this.#step(signal)) {
          failures = 0;
          throwIfAborted(signal);
        }
        this.#store.report("synced");
        this.#reply(this.#asked.length);
        void this.#listen(signal);
        if (!(await this.#wait(this.#streaming ? undefined : this.#store.pollInterval, signal, false))) {
          this.#pullWanted = true;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#pullWanted = true;
        this.#store.report(stateAfter(error), error);
        this.#reply(asked, error);
        // Who has asked meanwhile wants to know how it is now.
        if (this.#asked.length) continue;
        const { retryAfter } = error as Partial<TodowardProblem>;
        const backoff = Math.min(FIRST_BACKOFF * 2 ** failures, LAST_BACKOFF) * (0.5 + Math.random() / 2);
        failures += 1;
        await this.#wait(Math.max(backoff, (retryAfter ?? 0) * 1000), signal, retryAfter === undefined ? true : "deaf");
      }
    }
  }

  /** To the first ones who asked. */
  #reply(count: number, error?: unknown): void {
    for (const reply of this.#asked.splice(0, count)) reply(error);
  }

  /** Resolves to false after so many milliseconds, or to true when it is woken; `deaf`: only by the signal. */
  #wait(milliseconds: number | undefined, signal: AbortSignal, urgentOnly: boolean | "deaf"): Promise<boolean> {
    // Asked while nobody waited.
    if (!urgentOnly && (this.#pullWanted || this.#store.contents().queue.length)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (woken: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#wake = undefined;
        resolve(woken);
      };
      const abort = () => end(true);
      const timer = milliseconds === undefined ? undefined : setTimeout(() => end(false), milliseconds);
      signal.addEventListener("abort", abort, { once: true });
      if (urgentOnly !== "deaf") this.#wake = (urgent) => (urgent || !urgentOnly) && end(true);
    });
  }

  /** Is told by the server when there is something to pull. Where that does not work, it is polled. */
  async #listen(signal: AbortSignal): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    const lost = (isGone: boolean) => {
      this.#streaming = false;
      // The last event may be lost with it.
      this.#pullWanted = true;
      // Whoever waits for the next one has to poll now.
      if (isGone) this.#wake?.(false);
    };
    try {
      await this.#store.client.subscribe({
        lastEventId: this.#store.contents().state.cursor,
        signal,
        onOpen: () => (this.#streaming = true),
        onChanged: () => this.wake(true),
        // The first new one is there in a moment, and says what was missed.
        onRetry: ({ retry }) => lost(retry === 2),
      });
    } catch (error) {
      lost(true);
      // Who signs in again, listens again; what else is refused stays so.
      this.#listening = !(error instanceof SignedOut);
    }
  }

  /** Sends one write, or pulls one page; false: there is nothing to do. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const [write] = this.#store.contents().queue;
    if (write) {
      await this.#send(write, signal);
      // Else the server says when.
      if (!this.#streaming) this.#pullWanted = true;
      return true;
    }
    if (!this.#pullWanted && !this.#pulling) return false;
    await this.#pull(signal);
    return true;
  }

  /** One page: its rows and the cursor behind them are saved together, or not at all. */
  async #pull(signal: AbortSignal): Promise<void> {
    const { state } = this.#store.contents();
    this.#pullWanted &&= this.#pulling;
    this.#pulling = true;
    const page = await this.#store.client.changes(state.cursor, { limit: LIMIT, signal }).catch((error: unknown) => error);
    if (state.cursor !== undefined && isProblem(page, "sync_reset", "invalid_cursor")) {
      await this.#store.commit(() => ({ state: { cursor: undefined } }));
      return;
    }
    if (!isPage(page)) throw page;
    // What is here from before its first page, responses too, a new copy must have again, or it has ended since.
    const copy = state.cursor === undefined ? state.copy + 1 : state.copy;
    await this.#store.commit(() => {
      const { records } = this.#store.contents();
      const rows = { task: fresh(page.tasks, records.task), list: fresh(page.lists, records.list) };
      const gone = { task: [] as string[], list: [] as string[] };
      for (const { kind, id } of page.gone) gone[kind].push(id);
      if (!page.more) {
        for (const kind of KINDS) tidy(records[kind], rows[kind], gone[kind]);
      }
      return { rows, gone, state: { cursor: page.next, copy } };
    });
    if (!page.more) this.#pulling = false;

    function fresh<Row extends Task | List>(page: Row[], known: Map<string, Rec<Row>>): Rec<Row>[] {
      const isNew = (row: Row) => {
        const record = known.get(row.id);
        return !record || record.shown !== undefined || record.copy !== copy || !same(record.row, row);
      };
      return page.filter(isNew).map((row) => ({ id: row.id, row, copy }));
    }

    /** The copy is complete: what is left of an older one is gone, and every write that is done has shown itself. */
    function tidy(records: Map<string, Rec>, rows: Rec[], gone: string[]) {
      const pulled = new Set(rows.map(({ id }) => id));
      for (const record of records.values()) {
        const { id, row } = record;
        if (pulled.has(id)) continue;
        if (record.copy !== copy) gone.push(id);
        else if (record.shown !== undefined) rows.push({ id, row, copy });
      }
    }
  }

  /** Sends a write until it is done or refused. Whether an earlier attempt was done, the row tells. */
  async #send(write: Write, signal: AbortSignal): Promise<void> {
    const { kind, id, action } = write;
    for (;;) {
      const mixed = new Set<string>();
      try {
        const row = await this.#known(write, signal);
        const response = await this.#attempt(write, row, mixed, signal);
        return await this.#done(write, response, mixed);
      } catch (error) {
        if (action.type === "create" && isProblem(error, "version_mismatch")) {
          // It is there, or was there: nobody else makes this id.
          return await this.#done(write, await this.#read(kind, id, signal), mixed);
        }
        if (isProblem(error, "version_mismatch")) {
          const now = await this.#read(kind, id, signal);
          if (now) await this.#store.commit(() => ({ rows: { [kind]: [this.#record(now)] } }));
          // In the trash, where only the pull sees it; or it ended this very moment.
          else await this.#pull(signal);
          continue;
        }
        if (isProblem(error, "task_not_found", "list_not_found")) {
          if (action.type === "delete") return await this.#done(write, undefined, mixed);
          const now = action.type === "restore" ? await this.#read(kind, id, signal) : undefined;
          if (now) return await this.#done(write, now, mixed);
        }
        if (!isRefused(error)) throw error;
        return await this.#refused(write, error);
      }
    }
  }

  /** The row as a write has to see it, to tell what is still to be done. */
  async #known({ kind, id, action }: Write, signal: AbortSignal): Promise<Task | List | undefined> {
    const record = this.#store.contents().records[kind].get(id);
    // A write before this one has changed it besides, and that was not pulled yet.
    if (record?.shown && (action.type === "update" || action.type === "complete")) {
      const now = await this.#read(kind, id, signal);
      if (now) await this.#store.commit(() => ({ rows: { [kind]: [this.#record(now)] } }));
      return now ?? record.row;
    }
    return record?.row;
  }

  /** Resolves to the row as it then is on the server; undefined if the response does not say. */
  async #attempt(
    { kind, id, action, before, after }: Write,
    row: Task | List | undefined,
    mixed: Set<string>,
    signal: AbortSignal,
  ): Promise<Task | List | undefined> {
    const { client } = this.#store;
    const options = { signal, ifMatch: row };
    const isTask = kind === "task";
    switch (action.type) {
      case "create":
        if (isTask) return client.createTask(action.fields as { title: string }, { id, signal });
        return client.createList(action.fields as { name: string }, { id, signal });
      case "update": {
        let patch: object = action.patch;
        if (row) patch = await this.#merged(kind, row, action.patch as Values, { before, after }, mixed);
        if (row && Object.keys(patch).length === 0) return row;
        return isTask ? client.updateTask(id, patch, options) : client.updateList(id, patch, options);
      }
      case "complete": {
        const { completed, subtasks, on } = action;
        if ((row as Task | undefined)?.completed === completed && !subtasks) return row;
        return client.completeTask(id, completed, { ...options, subtasks, on });
      }
      case "move":
        if (isTask) return client.moveTask(id, action.to as TaskMove, options);
        return client.moveList(id, action.to as ListMove, options);
      case "delete": {
        const { permanent } = action;
        // It went there before, by this write or another device's.
        if (row?.deleted_at && !permanent) return undefined;
        await (isTask ? client.deleteTask(id, { ...options, permanent }) : client.deleteList(id, { ...options, permanent }));
        return undefined;
      }
      case "restore":
        // Once it is back, a second time is 404: a condition would only be in the way.
        return isTask ? client.restoreTask(id, { signal }) : client.restoreList(id, { signal });
    }
  }

  /** What of a patch is still to be sent, now that the row may have changed since it was made. */
  async #merged(kind: Kind, row: Task | List, patch: Values, base: Pick<Write, "before" | "after">, mixed: Set<string>) {
    const rest: Values = {};
    for (const field of Object.keys(patch)) {
      // What this release does not know, the server judges.
      if (!(field in base.after)) {
        rest[field] = patch[field];
        continue;
      }
      const before = base.before[field];
      const local = base.after[field];
      const remote = (row as unknown as Values)[field];
      const outcome = merged(field, before, local, remote);
      if (outcome === "nothing") continue;
      let value = outcome === "conflict" ? undefined : outcome.send;
      if (outcome === "conflict") {
        value = await this.#store.onConflict?.({ kind, id: row.id, field, base: before, local, remote, row });
        // The last write wins, as it does on the server.
        if (value === undefined) value = local;
      }
      if (!same(value, local)) mixed.add(field);
      // The patch itself, where it may say less than all of the value.
      if (!same(value, remote)) rest[field] = same(value, local) ? patch[field] : value;
    }
    return rest;
  }

  #read(kind: Kind, id: string, signal: AbortSignal): Promise<Task | List | undefined> {
    const { client } = this.#store;
    const reading: Promise<Task | List> = kind === "task" ? client.readTask(id, { signal }) : client.readList(id, { signal });
    return reading.catch((error: unknown) => {
      if (isProblem(error, "task_not_found", "list_not_found")) return undefined;
      throw error;
    });
  }

  #record<Row extends Task | List>(row: Row): Rec<Row> {
    return { id: row.id, row, copy: this.#store.contents().state.copy };
  }

  /** Takes a write out of the queue; what it has done besides is shown until it has been pulled. */
  #done(write: Write, row: Task | List | undefined, mixed: ReadonlySet<string>): Promise<void> {
    return this.#store.commit((queue) => {
      const { records } = this.#store.contents();
      const rows = new Overlay(records);
      perform(write, rows, this.#store.user);
      const kept: { task: Rec[]; list: Rec[] } = { task: [], list: [] };
      for (const kind of KINDS) {
        for (const [id, shown] of rows.changed[kind]) {
          const record = records[kind].get(id);
          if (record && !(row && kind === write.kind && id === write.id)) kept[kind].push({ ...record, shown });
        }
      }
      if (row) kept[write.kind].push(this.#record(row));
      const actual = row && valuesOf(write.kind, row);
      const later = actual ? after(queue, write).map((one) => rebased(one, write, actual, mixed)) : [];
      return { rows: kept, queue: later, done: [write.seq!] };
    });
  }

  async #refused(write: Write, error: TodowardProblem): Promise<void> {
    await this.#store.commit((queue) => {
      const later = after(queue, write).map((one) => rebased(one, write, undefined, new Set()));
      return { queue: later, done: [write.seq!] };
    });
    const { kind, id, action, at } = write;
    const { status, code, detail, errors } = error;
    this.#store.reject({ kind, id, action, at, problem: { status, code, detail, errors } }, write);
  }
}

/** The later writes of the same row. */
function after(queue: Write[], write: Write): Write[] {
  return queue.filter(({ kind, id, seq }) => kind === write.kind && id === write.id && seq! > write.seq!);
}

function isRefused(error: unknown): error is TodowardProblem {
  return isProblem(error) && REFUSED.includes(error.status) && !NOT_THE_WRITE.includes(error.code);
}

function isPage(value: unknown): value is Awaited<ReturnType<Todoward["changes"]>> {
  return typeof value === "object" && value !== null && "more" in value;
}

function stateAfter(error: unknown): Status["state"] {
  if (error instanceof SignedOut) return "signed_out";
  // It may be what the app's token source threw.
  if ((globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false) return "offline";
  const passes = error instanceof TodowardUnreachable ? error.transient : isProblem(error) && error.status >= 429;
  return passes ? "offline" : "error";
}
