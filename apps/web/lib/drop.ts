import type { Row } from "./views.ts";

/** The part of `TaskMove` that a drop in a list of tasks makes. */
export interface Drop {
  parent_id: string | null;
  /** The sibling above; undefined: it becomes the first. */
  after: string | undefined;
  level: number;
}

/**
 * Where a row goes that is let go between two rows. `rows` are those that are shown, without what is dragged; `gap` is
 * how many of them stand above; `level` is how far right it was held. It cannot be deeper than below the row above, nor
 * higher than the row that follows, which would be torn from its parent.
 */
export function dropAt(rows: readonly Pick<Row, "task" | "level">[], gap: number, level: number): Drop {
  const above = rows[gap - 1];
  const below = rows[gap];
  const highest = above ? above.level + 1 : 1;
  const lowest = Math.min(below?.level ?? 1, highest);
  const at = Math.max(lowest, Math.min(level, highest));
  let after: string | undefined;
  let parent: string | null = null;
  for (const row of rows.slice(0, gap).reverse()) {
    if (row.level === at && after === undefined) after = row.task.id;
    if (row.level < at) {
      parent = row.task.id;
      break;
    }
  }
  return { parent_id: parent, after, level: at };
}

/** The rows without a row and what is below it. */
export function withoutBranch<R extends Pick<Row, "task" | "level">>(rows: readonly R[], ids: ReadonlySet<string>): R[] {
  const kept: R[] = [];
  let inside: number | undefined;
  for (const row of rows) {
    if (inside !== undefined && row.level > inside) continue;
    inside = ids.has(row.task.id) ? row.level : undefined;
    if (inside === undefined) kept.push(row);
  }
  return kept;
}
