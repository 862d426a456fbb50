import type { Todoward } from "todoward-client";
import { TokenSource } from "./token-source";

/** A connection to Todoward in the name of one user. */
export function connect(options: {
  baseUrl: string;
  timeLimit: number;
  userId: string;
  /** The session has ended, or another user has signed in. */
  onSignedOut: (reason: "expired" | "other-user") => void;
}) {
  const { baseUrl, timeLimit, userId } = options;
  const tokens = new TokenSource(userId, () => options.onSignedOut("other-user"));
  let made: Promise<Todoward> | undefined;
  const make = async () => {
    // The page is there before it needs the API: its tasks came with it.
    const { Todoward } = await import("todoward-client");
    return new Todoward({
      baseUrl,
      user: userId,
      token: async ({ refresh }) => {
        const token = await tokens.get(refresh);
        if (!token) options.onSignedOut("expired");
        return token;
      },
      fetch: (input, init) => fetchInTime(input as Request, init, timeLimit),
    });
  };

  return {
    baseUrl,
    /** The client; loaded at the first call. */
    client(): Promise<Todoward> {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
    /** Asks for a token before anything needs it. */
    prepare() {
      // Whatever needs it asks again, and says what is wrong.
      void tokens.get(false).catch(() => undefined);
    },
    /** The user has signed in again. What waits to be repeated goes on with the next token. */
    renew: () => tokens.forget(),
    /** What belongs to the user who is leaving. */
    async forget() {
      tokens.forget();
      (await made?.catch(() => undefined))?.forget();
    },
    returned() {
      tokens.dropIfStale();
    },
  };
}

/** Milliseconds for a file, on a slow line. */
const FILE_LIMIT = 15 * 60_000;

/** Gives up after so many milliseconds. A stream only has to begin within them, and a file may take longer. */
async function fetchInTime(input: Request, init: RequestInit | undefined, timeLimit: number) {
  const limit = new AbortController();
  const isFile = /\/api\/v1\/(import|export)$/.test(new URL(input.url).pathname);
  const late = setTimeout(() => limit.abort(new DOMException("no response in time", "TimeoutError")), isFile ? FILE_LIMIT : timeLimit);
  const signal = AbortSignal.any([input.signal, limit.signal]);
  const response = await fetch(input, { ...init, signal }).catch((error: unknown) => {
    clearTimeout(late);
    throw error;
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) clearTimeout(late);
  return response;
}
