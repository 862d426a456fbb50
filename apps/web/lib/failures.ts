import { isProblem, SignedOut, TodowardUnreachable } from "todoward-client";

/** Why a request failed that the user is waiting for, and what to do. */
export function why(error: unknown): string {
  if (error instanceof SignedOut) return "You’ve been signed out. Sign in and try again.";
  if (!isProblem(error)) {
    const unreachable = error instanceof TodowardUnreachable || (error as Error | undefined)?.name === "FrontendUnreachable";
    return unreachable && !navigator.onLine ? "You’re offline." : unreachable ? "The server can’t be reached. Try again in a moment." : "Try again.";
  }
  if (error.code === "rate_limited" || error.code === "too_many_imports" || error.status === 503) return "The server is busy. Try again in a moment.";
  if (error.code === "quota_exceeded") return "There isn’t enough room in your account.";
  if (error.status === 401) return "Todoward doesn’t accept your sign-in.";
  return sentence(error.detail);
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
