/** Resolves when the page has nothing more urgent to do; at the latest after so many milliseconds. */
export function idle(latest: number): Promise<void> {
  return new Promise((resolve) => {
    // Safari has no such thing.
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: latest });
    else setTimeout(resolve, 50);
  });
}
