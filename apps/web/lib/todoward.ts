import { isProblem, Todoward, type TodowardUnreachable } from "todoward-client";
import { TokenSource } from "./token-source";

export type Connection = ReturnType<typeof connect>;

/** A connection to Todoward in the name of one user. */
export function connect(options: {
  baseUrl: string;
  timeLimit: number;
  userId: string;
  /** The session has ended, or another user has signed in. */
  onSignedOut: (reason: "expired" | "other-user") => void;
  /** The client waits that many seconds before it tries again. */
  onWait: (seconds: number) => void;
  /** The time limit is over, and the client tries again. */
  onSilence: () => void;
}) {
  const tokens = new TokenSource(options.userId, () => options.onSignedOut("other-user"));
  let leaving = false;

  const client = new Todoward({
    baseUrl: options.baseUrl,
    token: async ({ refresh }) => {
      const token = await tokens.get(refresh);
      if (!token) options.onSignedOut("expired");
      return token;
    },
    // A request that is made while the page goes away must outlive it.
    fetch: (input, init) => {
      const signals = [(input as Request).signal, AbortSignal.timeout(options.timeLimit)];
      return fetch(input, { ...init, keepalive: leaving, signal: AbortSignal.any(signals) });
    },
    onRetry({ delay, error }) {
      // A lost connection is tried again at once; a refusal makes the user wait, and so does a server that hangs.
      if (isProblem(error)) options.onWait(Math.ceil(delay / 1000));
      else if (tookLong(error)) options.onSilence();
    },
  });

  return {
    client,
    baseUrl: options.baseUrl,
    /** The user has signed in again. What waits to be repeated goes on with the next token. */
    renew: () => tokens.forget(),
    /** What belongs to the user who is leaving. */
    forget() {
      tokens.forget();
      client.forget();
    },
    /** Runs work whose requests are sent even if the page is gone before they are answered. */
    whileLeaving(work: () => void) {
      leaving = true;
      work();
    },
    returned() {
      leaving = false;
      tokens.dropIfStale();
    },
  };
}

/** Nobody answered in time: here, or behind app/backend or another proxy. */
function tookLong({ cause, status }: TodowardUnreachable) {
  return status === 504 || (cause instanceof Error && cause.name === "TimeoutError");
}
