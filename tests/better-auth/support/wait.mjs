// Waiting is looking again and again until there is something, within a limit.

import { setTimeout as sleep } from "node:timers/promises";

export async function eventually(what, look, limit = 20_000) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`, { cause: last });
    await sleep(10);
  }
}
