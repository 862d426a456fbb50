/**
 * A key that no other call has. It must be unique, not secret: it counts beside its own user's token
 * only, so who guesses it gains nothing. React Native has no `crypto`; there the time and Math.random()
 * will do. Not crypto.randomUUID(), which pages on plain http do not have.
 */
export function newIdempotencyKey(): string {
  const word = () => Math.floor(Math.random() * 2 ** 32);
  const words = globalThis.crypto?.getRandomValues?.(new Uint32Array(4)) ?? [Date.now(), word(), word(), word()];
  return Array.from(words, (one) => hex(one, 8)).join("");
}

let lastTime = 0;
let sequence = 0;

/**
 * A new UUIDv7 for a task or list that the client names itself: see the option `id` of `createTask`. Its time, in
 * milliseconds, becomes `created_at`. Those of one page sort in the order in which they were made.
 */
export function newId(): string {
  const random = newIdempotencyKey();
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    sequence = parseInt(random.slice(0, 3), 16) >> 1;
  } else if (++sequence > 0xfff) {
    // More than the version has room for in a millisecond, or the clock went back.
    lastTime += 1;
    sequence = 0;
  }
  const time = hex(lastTime, 12);
  const variant = hex(8 | (parseInt(random.charAt(3), 16) & 3), 1);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(sequence, 3)}-${variant}${random.slice(4, 7)}-${random.slice(20)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
