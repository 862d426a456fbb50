import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema.js";
import { answered, type Expected, type Streamed } from "./answer.js";
import { forgottenMeanwhile, isProblem, ofAnotherUser, TodowardProblem, TodowardUnreachable } from "./errors.js";
import { abortable, sleep, throwIfAborted } from "./abort.js";
import { subjectOf, Tokens, type TokenSource } from "./tokens.js";
import type { CallOptions } from "./types.js";

/** What a repeat is told about. */
export interface RetryInfo {
  /** 1 for the first repeat. */
  retry: number;
  /** Milliseconds until then. */
  delay: number;
  error: TodowardProblem | TodowardUnreachable;
}

export interface Options {
  /** The server's address, without `/api/v1`; `""` or a path such as `/backend`: on the page's own origin. */
  baseUrl: string;
  /** Called for every call. With `refresh` the last one was refused. See `betterAuthToken`. */
  token: TokenSource;
  /** Whose tasks the page shows, as `sub` of the tokens, which is Better Auth's user id: no other's token is sent. */
  user?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Repeats of one call, default 2. */
  maxRetries?: number | undefined;
  /** Milliseconds, default 10 000. A longer Retry-After is not waited for, but thrown. */
  maxRetryDelay?: number | undefined;
  onRetry?: ((info: RetryInfo) => void) | undefined;
}

/**
 * When a call may be made again although the first may have been done:
 * - `read` and `create` (it has a key): after any refusal that passes, and a lost connection
 * - `stated`: a write that says which state it wants or expects, after any refusal that passes
 * - `never`: only if it was refused before any effect
 */
export type Repeat = "read" | "create" | "stated" | "never";

/** One call of the API, over all its repeats. */
export interface Call {
  readonly repeat: Repeat;
  /** What its response has in its body; undefined: no body. */
  readonly expected: Expected | Streamed | undefined;
  readonly signal: AbortSignal | undefined;
  /** An earlier attempt may have been done. */
  uncertain?: boolean;
  /** Whose it is: no repeat may be sent with the token of who signs in meanwhile. */
  user?: string | undefined;
  /** How often the transport had been told to forget when the call began. */
  forgotten?: number;
}

export function callOf(repeat: Repeat, expected: Call["expected"], { signal }: CallOptions): Call {
  return { repeat, expected, signal };
}

export type Init = Pick<RequestInit, "redirect"> & {
  headers: { Authorization: string };
  signal: AbortSignal | null;
  fetch: (request: Request) => Promise<Response>;
};
export type Answer<T> = { data?: T; response: Response };
/** One attempt. */
export type Send<T> = (init: Init) => Promise<Answer<T>>;

const BEFORE_ANY_EFFECT = ["rate_limited", "overloaded", "keys_unavailable"] as const;
const FIRST_BACKOFF = 200;
const JITTER = 100;

export class Transport {
  readonly api: Client<paths>;
  #baseUrl: string;
  #options: Options;
  #fetch: typeof globalThis.fetch;
  #tokens: Tokens;
  /** How often it was told to forget: since then, somebody else may be signed in. */
  #forgotten = 0;
  /** Aborts when it is told to forget the next time. */
  #forgetting = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#tokens = new Tokens(options.token);
    // Looked up at each request: frameworks replace the global one.
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.api = createClient<paths>({ baseUrl: this.#baseUrl });
  }

  /** A call that is made more than once, as for each page, and begins now. */
  begin(call: Call): Call {
    call.forgotten = this.#forgotten;
    return call;
  }

  forget(): void {
    this.#forgotten += 1;
    this.#tokens.forget();
    this.#forgetting.abort();
    this.#forgetting = new AbortController();
  }

  /** Aborts at the first `forget()` after the call has begun. */
  forgetting(call: Call): AbortSignal {
    const signal = this.#forgetting.signal;
    return call.forgotten === this.#forgotten ? signal : AbortSignal.abort();
  }

  /** Makes a call once; twice, if its token was refused. */
  once<T>(call: Call, send: Send<T>): Promise<Answer<T>> {
    this.#check();
    return this.#authorized(call, send, call.forgotten ?? this.#forgotten);
  }

  #check(): void {
    if (!/^https?:/.test(this.#baseUrl) && typeof location === "undefined") {
      throw new TypeError(`baseUrl is "${this.#baseUrl}", and only in a browser is that an address: give all of it`);
    }
  }

  /** Makes a call, and makes it again where that is safe and may help. */
  async run<T>(call: Call, send: Send<T>): Promise<Answer<T>> {
    this.#check();
    const forgotten = call.forgotten ?? this.#forgotten;
    for (let retry = 1; ; retry += 1) {
      throwIfAborted(call.signal);
      try {
        return await this.#authorized(call, send, forgotten);
      } catch (error) {
        if (!(error instanceof TodowardProblem || error instanceof TodowardUnreachable)) throw error;
        call.uncertain ||= error.outcomeUnknown;
        error.outcomeUnknown = call.uncertain;
        const delay = retry > (this.#options.maxRetries ?? 2) ? undefined : delayBefore(retry, call, error);
        if (delay === undefined || delay > (this.#options.maxRetryDelay ?? 10_000)) throw error;
        this.#options.onRetry?.({ retry, delay, error });
        // A little longer, so that clients which were refused together do not come back together.
        await sleep(delay + Math.random() * JITTER, call.signal);
      }
    }
  }

  async #authorized<T>(call: Call, send: Send<T>, forgotten: number): Promise<Answer<T>> {
    const attempt = ({ token }: { token: string }) => {
      if (this.#forgotten !== forgotten) throw forgottenMeanwhile();
      const user = subjectOf(token);
      call.user ??= this.#options.user ?? user;
      if (call.user !== user) throw ofAnotherUser();
      return send({
        headers: { Authorization: `Bearer ${token}` },
        signal: call.signal ?? null,
        redirect: "manual",
        fetch: (request) => answered(this.#fetch, request, call.expected),
      });
    };
    const given = await abortable(this.#tokens.current(), call.signal);
    try {
      return await attempt(given);
    } catch (error) {
      if (!isProblem(error) || error.status !== 401) throw error;
      return await attempt(await abortable(this.#tokens.insteadOf(given, error), call.signal));
    }
  }
}

/** Milliseconds to wait before a call is made again; undefined if it should not be. */
function delayBefore(retry: number, call: Call, error: TodowardProblem | TodowardUnreachable): number | undefined {
  const backoff = FIRST_BACKOFF * 2 ** (retry - 1) * (0.5 + Math.random() / 2);
  const wait = error.retryAfter === undefined ? undefined : error.retryAfter * 1000;
  if (error instanceof TodowardUnreachable) {
    const may = error.transient && (call.repeat === "read" || call.repeat === "create");
    return may ? (wait ?? backoff) : undefined;
  }
  // Todoward's own 500 is a fault that its log has: asked again, it would most likely fail again.
  if (error.status === 504) return call.repeat === "create" ? (wait ?? backoff) : undefined;
  if (error.status !== 429 && error.status !== 503) return undefined;
  return call.repeat !== "never" || isProblem(error, ...BEFORE_ANY_EFFECT) ? wait : undefined;
}
