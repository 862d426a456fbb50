/**
 * A position that sorts between two, both exclusive, until the server says which it is. `""` is before all;
 * undefined is behind all.
 */
export function between(after: string, before: string | undefined): string {
  let position = "";
  let bounded = before !== undefined;
  for (let at = 0; ; at += 1) {
    bounded &&= at < before!.length;
    const low = at < after.length ? after.charCodeAt(at) : 0;
    const high = bounded ? before!.charCodeAt(at) : 128;
    if (high - low > 1) return position + String.fromCharCode((low + high) >> 1);
    position += String.fromCharCode(low);
    // It is smaller already.
    if (high > low) bounded = false;
  }
}

interface Placed {
  id: string;
  position: string;
}

/** The order among siblings. The server sorts by bytes, and a position is ASCII. */
export function byPosition(one: Placed, other: Placed): number {
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}
