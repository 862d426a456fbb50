import { isProblem, type Task } from "todoward-client";
import { createBody, type Fields } from "./fields";
import { explain, inOneLine } from "./messages";
import type { UserStorage } from "./storage";
import { Store } from "./store";
import type { Connection } from "./todoward";

export interface Unsaved {
  /** The Idempotency-Key: the same however often this is sent, so that it makes one task. */
  key: string;
  fields: Fields;
  sending: boolean;
  /** Why the last attempt failed; stays during the next one. */
  error?: string;
  /** It will not be taken as it is: the server's objection to each field, as far as it names any. */
  refused?: Record<string, string>;
}

interface Events {
  /** The row of what was unsaved stays until this is done. */
  onCreated: (task: Task) => Promise<void>;
  onRefused: (unsaved: Unsaved) => void;
}

const LONGEST_WAIT = 30;

/** New tasks on their way. One that fails stays here, and in the tab's storage, until it is saved. */
export class Outbox extends Store<Unsaved[]> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = 5;
  /** Set by whoever shows the tasks. */
  events: Events = { onCreated: async () => {}, onRefused: () => {} };

  constructor(
    private readonly connection: Connection,
    private readonly storage: UserStorage,
  ) {
    super(storage.read<Unsaved[]>("unsaved", []).map((one) => ({ ...one, sending: false })));
  }

  add(fields: Fields) {
    const unsaved = { key: newKey(), fields, sending: false };
    this.keep([unsaved, ...this.get()]);
    void this.send(unsaved.key);
  }

  /** Keeps a task that is not finished, and not to be sent before somebody takes it back. */
  putAside(fields: Fields, refused: Record<string, string> = {}) {
    this.keep([{ key: newKey(), fields, sending: false, refused, error: "You have not added it yet." }, ...this.get()]);
  }

  discard(key: string) {
    this.keep(this.get().filter((one) => one.key !== key));
  }

  /** Sends what has failed once more, but for what the server refused. */
  retryAll = () => {
    for (const one of this.get()) if (!one.refused) void this.send(one.key);
  };

  async send(key: string) {
    const unsaved = this.get().find((one) => one.key === key);
    if (!unsaved || unsaved.sending) return;
    this.change(key, { sending: true });
    try {
      const body = createBody(unsaved.fields);
      const task = await this.connection.client.createTask(body, { idempotencyKey: key });
      this.wait = 5;
      await this.events.onCreated(task);
      this.discard(key);
    } catch (error) {
      this.failed(key, error);
    }
  }

  private failed(key: string, error: unknown) {
    const { transient, retryAfter } = explain(error, this.connection.baseUrl);
    // A 401 is about the user, not about the task.
    const refused = isProblem(error) && !transient && error.status !== 401 ? error.fieldErrors() : undefined;
    const why = inOneLine(error, this.connection.baseUrl);
    this.change(key, { sending: false, refused, error: transient ? `${why} It is sent again by itself.` : why });
    const unsaved = this.get().find((one) => one.key === key);
    // Where no field is to blame, the reason stands in the row only.
    if (unsaved && Object.keys(refused ?? {}).length) this.events.onRefused(unsaved);
    if (!transient) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.retryAll, Math.max(this.wait, retryAfter ?? 0) * 1000);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  private change(key: string, change: Partial<Unsaved>) {
    this.keep(this.get().map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  private keep(all: Unsaved[]) {
    this.set(all);
    this.storage.write("unsaved", all.length ? all : undefined);
  }
}

/** Not crypto.randomUUID(), which pages on plain http do not have. */
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
