import type { List, Task } from "../index.js";
import { applied, type Contents, type Copy, type Delta, type Seed } from "./database.js";
import type { Rec, Write } from "./types.js";

/** The copy and the queue of one user in memory, for a browser that stores nothing. They end with the page. */
export class Unsaved implements Copy {
  readonly #contents: Contents;
  #places = 0;

  constructor(user: string) {
    this.#contents = { state: { user, copy: 1, revision: 0 }, records: { task: new Map(), list: new Map() }, queue: [] };
  }

  async revision(): Promise<number> {
    return this.#contents.state.revision;
  }

  async read(): Promise<Contents> {
    const { state, records, queue } = this.#contents;
    return { state: { ...state }, records: { task: new Map(records.task), list: new Map(records.list) }, queue: [...queue] };
  }

  enqueue(write: Write): Promise<Delta> {
    return this.change(() => ({ queue: [{ ...write, seq: (this.#places += 1) }] }));
  }

  async change(make: (queue: Write[]) => Omit<Delta, "revision">): Promise<Delta> {
    const { state, queue } = this.#contents;
    const delta = { ...make([...queue]), revision: state.revision + 1 };
    applied(this.#contents, delta);
    return delta;
  }

  seed({ tasks = [], lists = [] }: Seed): Promise<Delta> {
    const { copy } = this.#contents.state;
    const records = <Row extends Task | List>(rows: readonly Row[]): Rec<Row>[] => rows.map((row) => ({ id: row.id, row, copy }));
    return this.change(() => ({ rows: { task: records(tasks), list: records(lists) } }));
  }

  async wipe(): Promise<void> {
    const { records, queue } = this.#contents;
    records.task.clear();
    records.list.clear();
    queue.length = 0;
  }

  close(): void {}
}
