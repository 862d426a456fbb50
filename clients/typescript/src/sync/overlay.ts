import type { List, Task } from "../index.js";
import type { Kind, Rec, RowOf } from "./types.js";

/** The rows of the copy, by kind and id. */
export interface Records {
  task: Map<string, Rec<Task>>;
  list: Map<string, Rec<List>>;
}

/** Rows as writes leave them, over rows that stay as they are. */
export class Overlay {
  readonly #records: Records;
  /** null: it is not there any more. */
  readonly changed: { task: Map<string, Task | null>; list: Map<string, List | null> } = {
    task: new Map(),
    list: new Map(),
  };

  constructor(records: Records) {
    this.#records = records;
  }

  get<K extends Kind>(kind: K, id: string): RowOf[K] | undefined {
    const changed = this.changed[kind].get(id) as RowOf[K] | null | undefined;
    if (changed !== undefined) return changed ?? undefined;
    const record = this.#records[kind].get(id) as Rec<RowOf[K]> | undefined;
    return record && shown(record);
  }

  set<K extends Kind>(kind: K, row: RowOf[K]): void {
    (this.changed[kind] as Map<string, RowOf[K] | null>).set(row.id, row);
  }

  remove(kind: Kind, id: string): void {
    this.changed[kind].set(id, null);
  }

  /** Every row, the trash included, in no order. */
  all<K extends Kind>(kind: K): RowOf[K][] {
    const changed = this.changed[kind] as Map<string, RowOf[K] | null>;
    const rows: RowOf[K][] = [];
    for (const record of this.#records[kind].values() as Iterable<Rec<RowOf[K]>>) {
      const row = changed.has(record.id) ? undefined : shown(record);
      if (row) rows.push(row);
    }
    for (const row of changed.values()) if (row) rows.push(row);
    return rows;
  }
}

function shown<Row extends Task | List>({ row, shown }: Rec<Row>): Row | undefined {
  return shown === undefined ? row : (shown ?? undefined);
}
