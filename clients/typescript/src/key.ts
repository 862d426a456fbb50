/**
 * A key that no other call has. It must be unique, not secret: it counts beside its own user's token
 * only, so who guesses it gains nothing. React Native has no `crypto`; there the time and Math.random()
 * will do. Not crypto.randomUUID(), which pages on plain http do not have.
 */
export function newIdempotencyKey(): string {
  const word = () => Math.floor(Math.random() * 2 ** 32);
  const words = globalThis.crypto?.getRandomValues?.(new Uint32Array(4)) ?? [Date.now(), word(), word(), word()];
  return Array.from(words, (one) => one.toString(16).padStart(8, "0")).join("");
}
