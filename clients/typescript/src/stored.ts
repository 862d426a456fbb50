/** The server ignores these in a patch, so that what was read can be sent back. */
export const WRITTEN_BY_THE_SERVER: readonly string[] = [
  "id",
  "owner_id",
  "completed_at",
  "due_at",
  "position",
  "next_id",
  "deleted_at",
  "version",
  "created_at",
  "updated_at",
];

/** Whether a row shows that what was wanted is done. */
export function holds(row: object, wanted: object): boolean {
  const kept = Object.entries(asStored(wanted)).filter(([field]) => !WRITTEN_BY_THE_SERVER.includes(field));
  return contains(row, Object.fromEntries(kept));
}

/** As a merge patch: an object says only which of its fields it wants. */
function contains(stored: unknown, wanted: unknown): boolean {
  if (!isObject(stored) || !isObject(wanted)) return JSON.stringify(stored) === JSON.stringify(wanted);
  return Object.entries(wanted).every(([field, value]) => contains(stored[field], value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Writable {
  title?: string | undefined;
  name?: string | undefined;
  color?: string | null | undefined;
  tags?: string[] | undefined;
}

/** What the server makes of it. */
export function asStored(patch: Writable): object {
  const { title, name, color, tags } = patch;
  return {
    ...patch,
    ...(title !== undefined && { title: trimmed(title) }),
    ...(name !== undefined && { name: trimmed(name) }),
    ...(color && { color: color.toLowerCase() }),
    ...(tags !== undefined && { tags: [...new Set(tags.map((tag) => trimmed(tag.normalize("NFC"))))] }),
  };
}

/**
 * Not String.trim(), which has U+FEFF for white space and U+0085 not: the server has it as Unicode does.
 * Not \p{White_Space} either, which React Native's engine may not have.
 */
function trimmed(text: string): string {
  return text.replace(EDGES, "");
}

const WHITE_SPACE = "[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const EDGES = new RegExp(`^${WHITE_SPACE}+|${WHITE_SPACE}+$`, "g");
