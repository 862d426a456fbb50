const LIMIT = 1000;

interface Versioned {
  id: string;
  version: number;
}

/** The tasks, or lists, of the last answers; the longest unused goes first. What it takes and gives is copied. */
export class Memory<Row extends Versioned> {
  #rows = new Map<string, Row>();

  get(id: string): Row | undefined {
    const row = this.#rows.get(id);
    if (row) this.#put(row);
    return row && copied(row);
  }

  keep(row: Row): Row {
    this.#put(copied(row));
    return row;
  }

  /** As `keep`, but not over a newer version. */
  keepUnlessOlder(row: Row): void {
    if (row.version >= (this.#rows.get(row.id)?.version ?? 0)) this.keep(row);
  }

  drop(id: string): void {
    this.#rows.delete(id);
  }

  #put(row: Row): void {
    this.#rows.delete(row.id);
    this.#rows.set(row.id, row);
    const [oldest] = this.#rows.keys();
    if (oldest !== undefined && this.#rows.size > LIMIT) this.#rows.delete(oldest);
  }
}

/** Not structuredClone(), which not every React Native has. A row came as JSON. */
function copied<Row>(row: Row): Row {
  return JSON.parse(JSON.stringify(row)) as Row;
}
