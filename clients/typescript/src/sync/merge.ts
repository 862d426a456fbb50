import type { Values, Write } from "./types.js";

/** Whether two values of JSON are the same, whatever the order of their members. */
export function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const members = Object.keys(one);
  if (Array.isArray(one) !== Array.isArray(other) || members.length !== Object.keys(other).length) return false;
  return members.every((member) => same((one as Values)[member], (other as Values)[member]));
}

/** How one field is merged: what is to be sent, if anything. */
export type Merged = { send: unknown } | "nothing" | "conflict";

/** Merges one field: `before` and `after` are of the write, `remote` is what the server has. */
export function merged(field: string, before: unknown, after: unknown, remote: unknown): Merged {
  if (same(after, remote)) return "nothing";
  if (same(before, remote)) return { send: after };
  // Tags are a set: both can add and remove some, and none of it is lost.
  if (field === "tags" && [before, after, remote].every(Array.isArray)) {
    const [base, local, others] = [before, after, remote] as [string[], string[], string[]];
    const kept = others.filter((tag) => local.includes(tag) || !base.includes(tag));
    const tags = [...kept, ...local.filter((tag) => !base.includes(tag) && !kept.includes(tag))];
    return same(tags, remote) ? "nothing" : { send: tags };
  }
  return "conflict";
}

/**
 * Later writes of the same row were made on what this one made of it. Now that the server's `actual` is known, they
 * are based on that; undefined: this one was refused, and they are based on what it was based on. Fields of which the
 * server has another value because it was merged (`mixed`) are left to their own merge.
 */
export function rebased(later: Write, done: Write, actual: Values | undefined, mixed: ReadonlySet<string>): Write {
  const before: Values = { ...later.before };
  for (const field of Object.keys(before)) {
    if (mixed.has(field) || !(field in done.after) || !same(before[field], done.after[field])) continue;
    const base = actual ?? done.before;
    if (field in base) before[field] = base[field];
  }
  return { ...later, before };
}
