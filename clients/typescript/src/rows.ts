import { isCleared, isPage, isRow } from "./answer.js";
import { forgottenMeanwhile, isProblem, type ErrorCode } from "./errors.js";
import { newIdempotencyKey } from "./key.js";
import { Memory } from "./memory.js";
import { holds } from "./stored.js";
import { callOf, type Answer, type Call, type Init, type Repeat, type Send, type Transport } from "./transport.js";
import type { CallOptions, CreateOptions, DeleteOptions, List, Page, Task, WriteOptions } from "./types.js";

const PATHS = {
  task: {
    all: "/api/v1/tasks",
    one: "/api/v1/tasks/{id}",
    move: "/api/v1/tasks/{id}/move",
    restore: "/api/v1/tasks/{id}/restore",
  },
  list: {
    all: "/api/v1/lists",
    one: "/api/v1/lists/{id}",
    move: "/api/v1/lists/{id}/move",
    restore: "/api/v1/lists/{id}/restore",
  },
} as const;

const NOT_FOUND = ["task_not_found", "list_not_found"] as const;
/** After these, what is known of a row is forgotten: it is not there, or somebody else's. */
const GONE: readonly ErrorCode[] = [...NOT_FOUND, "not_owner"];

/** One write of one row. */
interface Write<Row> {
  /** Whether it may be repeated, where it has no condition by which the server refuses a second time. */
  repeat: Repeat;
  /** The fields by which a row shows that the write was done; undefined if nothing shows it. */
  wanted?: object | undefined;
  /** After these codes the row is forgotten; default `GONE`. */
  gone?: readonly ErrorCode[];
  send(init: Init & { params: { path: { id: string } } }): Promise<Answer<Row>>;
}

/** What tasks and lists have in common: versions, pages, the trash. */
export class Rows<Row extends Task | List> {
  readonly #transport: Transport;
  readonly #kind: keyof typeof PATHS;
  readonly #paths: (typeof PATHS)[keyof typeof PATHS];
  /** Each call takes it before it waits for anything, so that a late answer gets into no other user's. */
  #memory = new Memory<Row>();

  constructor(transport: Transport, kind: keyof typeof PATHS) {
    this.#transport = transport;
    this.#kind = kind;
    this.#paths = PATHS[kind];
  }

  async list(query: object, options: CallOptions): Promise<Page<Row>> {
    return this.#page(query, callOf("read", isPage, options));
  }

  async #page(query: object, made: Call): Promise<Page<Row>> {
    const memory = this.#memory;
    const { data } = await this.#transport.run(made, (init) =>
      // The serializer leaves undefined out.
      this.#transport.api.GET(this.#paths.all, { ...init, params: { query } }),
    );
    const page = data as Page<Row>;
    // A list may be older than a write that was answered meanwhile. One row that is read is what it is,
    // even if its version has gone back, as after a restore.
    page.items.forEach((row) => memory.keepUnlessOlder(row));
    return page;
  }

  pages(query: { cursor?: string | undefined }, options: CallOptions): AsyncIterableIterator<Page<Row>> {
    return this.#pages(this.#memory, query, options);
  }

  all(query: { cursor?: string | undefined }, options: CallOptions): AsyncIterableIterator<Row> {
    return itemsOf(this.pages(query, options));
  }

  /** A generator starts at its first `next()`, which may be after `forget()`: so the memory is handed in. */
  async *#pages(
    memory: Memory<Row>,
    query: { cursor?: string | undefined },
    options: CallOptions,
  ): AsyncIterableIterator<Page<Row>> {
    let cursor = query.cursor;
    // One call for all pages: they are one user's.
    const made = callOf("read", isPage, options);
    do {
      if (memory !== this.#memory) throw forgottenMeanwhile();
      const page = await this.#page({ ...query, cursor }, made);
      yield page;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async create(fields: object, options: CreateOptions): Promise<Row> {
    const memory = this.#memory;
    // A key stands for these bytes.
    const body = snapshot(fields);
    if (options.id !== undefined) return this.#put(options.id, body, options);
    const key = options.idempotencyKey ?? newIdempotencyKey();
    const { data } = await this.#transport.run(callOf("create", isRow, options), (init) =>
      this.#transport.api.POST(this.#paths.all, {
        ...init,
        headers: { ...init.headers, "Idempotency-Key": key },
        ...body,
      }),
    );
    return memory.keep(data as Row);
  }

  #put(id: string, body: ReturnType<typeof snapshot>, { signal }: CallOptions): Promise<Row> {
    return this.write(id, { signal }, {
      repeat: "create",
      wanted: JSON.parse(body.bodySerializer()) as object,
      send: (init) =>
        this.#transport.api.PUT(this.#paths.one, {
          ...init,
          headers: { ...init.headers, "If-None-Match": "*" },
          ...body,
        }) as Promise<Answer<Row>>,
    });
  }

  async read(id: string, options: CallOptions): Promise<Row> {
    return this.#read(id, callOf("read", isRow, options));
  }

  async #read(id: string, made: Call): Promise<Row> {
    const memory = this.#memory;
    const kept = memory.get(id);
    const headers = { "If-None-Match": kept && entityTag(kept.version) };
    const { data, response } = await this.#about(id, made, (init) =>
      this.#transport.api.GET(this.#paths.one, {
        ...init,
        headers: { ...init.headers, ...headers },
        params: { path: { id } },
      }),
    );
    if (kept && response.status === 304) return kept;
    return memory.keep(data as Row);
  }

  async update(id: string, patch: object, options: WriteOptions): Promise<Row> {
    const body = snapshot(patch);
    return this.write(id, options, {
      repeat: "never",
      wanted: JSON.parse(body.bodySerializer()) as object,
      send: (init) => this.#transport.api.PATCH(this.#paths.one, { ...init, ...body }) as Promise<Answer<Row>>,
    });
  }

  async move(id: string, to: object, options: WriteOptions): Promise<Row> {
    const body = snapshot(to);
    return this.write(id, options, {
      repeat: "never",
      send: (init) => this.#transport.api.POST(this.#paths.move, { ...init, ...body }) as Promise<Answer<Row>>,
    });
  }

  async restore(id: string, options: WriteOptions): Promise<Row> {
    return this.write(id, options, {
      repeat: "stated",
      // If it can be read at all, it is back.
      wanted: {},
      // 404 says that it is not in the trash, but it may be there.
      gone: ["not_owner"],
      send: (init) => this.#transport.api.POST(this.#paths.restore, init) as Promise<Answer<Row>>,
    });
  }

  /** A write whose answer is the row. */
  async write(id: string, options: WriteOptions, { repeat, wanted, gone, send }: Write<Row>): Promise<Row> {
    const memory = this.#memory;
    const headers = this.#condition(id, options);
    const write = callOf(isGuarded(options) ? "stated" : repeat, isRow, options);
    try {
      const conditional: Send<Row> = (init) =>
        send({ ...init, headers: { ...init.headers, ...headers }, params: { path: { id } } });
      const { data } = await this.#about(id, write, conditional, gone);
      return memory.keep(data!);
    } catch (error) {
      // The first attempt, of which nobody knew, may have made the version that is in the way, or taken the
      // row out of the trash.
      if (!(wanted && write.uncertain && isProblem(error, "version_mismatch", ...NOT_FOUND))) throw error;
      // To read it now would be in the next user's name.
      if (memory !== this.#memory) throw error;
      const now = await this.#read(id, { ...write, repeat: "read" }).catch(() => undefined);
      if (now && holds(now, wanted)) return now;
      throw error;
    }
  }

  async delete(id: string, options: DeleteOptions): Promise<void> {
    const memory = this.#memory;
    const headers = this.#condition(id, options);
    const write = callOf(isGuarded(options) ? "stated" : "never", undefined, options);
    const query = options.permanent ? { permanent: true } : {};
    try {
      await this.#about(id, write, (init) =>
        this.#transport.api.DELETE(this.#paths.one, {
          ...init,
          headers: { ...init.headers, ...headers },
          params: { path: { id }, query },
        }),
      );
    } catch (error) {
      // The first attempt, of which nobody knew, has done it.
      if (!(write.uncertain && isProblem(error, ...NOT_FOUND))) throw error;
    }
    memory.drop(id);
  }

  /** Deletes what the query selects, and says how many. */
  async clear(query: object, options: CallOptions): Promise<number> {
    const { data } = await this.#transport.run(callOf("never", isCleared, options), (init) =>
      this.#transport.api.DELETE(this.#paths.all, { ...init, params: { query } }),
    );
    return data!.deleted;
  }

  /** What keeps the rows of a page that is read elsewhere, from now on. */
  observer(): (rows: Row[]) => void {
    const memory = this.#memory;
    return (rows) => rows.forEach((row) => memory.keepUnlessOlder(row));
  }

  /** Forgets the rows of earlier answers. */
  forget(): void {
    this.#memory = new Memory();
  }

  /** A call about one row. */
  async #about<T>(id: string, made: Call, send: Send<T>, gone = GONE): Promise<Answer<T>> {
    const memory = this.#memory;
    try {
      return await this.#transport.run(made, send);
    } catch (error) {
      if (isProblem(error, ...gone)) memory.drop(id);
      throw error;
    }
  }

  #condition(id: string, { ifMatch }: WriteOptions): { "If-Match"?: string } {
    if (ifMatch === undefined) return {};
    if (ifMatch === "*") return { "If-Match": "*" };
    const seen = ifMatch === "seen" ? this.#memory.get(id) : ifMatch;
    if (seen === undefined) {
      throw new TypeError(`ifMatch "seen": this client has no answer about the ${this.#kind} ${id}; read it first`);
    }
    return { "If-Match": entityTag(typeof seen === "number" ? seen : seen.version) };
  }
}

/** The body as it is now: what the caller changes meanwhile is not sent. */
function snapshot(fields: object) {
  const body = JSON.stringify(fields);
  return { body: fields as never, bodySerializer: () => body };
}

/** Whether a second attempt fails if the first one was done. `"*"` would let it through. */
function isGuarded({ ifMatch }: WriteOptions): boolean {
  return ifMatch !== undefined && ifMatch !== "*";
}

/** The server's ETag. Made from the version, because proxies weaken the header. */
function entityTag(version: number): string {
  if (!Number.isSafeInteger(version)) throw new TypeError("a version is a whole number");
  return `"${version}"`;
}

async function* itemsOf<Row>(pages: AsyncIterable<Page<Row>>): AsyncIterableIterator<Row> {
  for await (const page of pages) yield* page.items;
}
