import { sleep } from "./abort.js";
import { forgottenMeanwhile, isProblem, TodowardUnreachable } from "./errors.js";
import type { Call, Transport } from "./transport.js";
import type { SubscribeOptions } from "./types.js";

/** Until the server says otherwise, milliseconds. */
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;
/** The server says something every 20 seconds; who hears nothing for so long has lost it. */
const SILENCE = 60_000;

/** One event of Server-Sent Events. */
interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

export async function subscribe(transport: Transport, call: Call, options: SubscribeOptions): Promise<void> {
  const { onChanged, onOpen, onRetry, signal } = options;
  if (typeof ReadableStream === "undefined" || !("body" in Response.prototype)) {
    throw new TypeError("subscribe needs a fetch that gives a body as it comes, which this runtime does not have: poll");
  }
  const forgotten = transport.forgetting(call);
  let lastEventId = options.lastEventId;
  let firstRetry = FIRST_RETRY;
  for (let failures = 0; ; ) {
    let error: unknown;
    let expired = false;
    const ending = new AbortController();
    const end = () => ending.abort();
    const signals = [signal, forgotten].filter((one) => one !== undefined);
    for (const one of signals) one.addEventListener("abort", end, { once: true });
    if (signals.some(({ aborted }) => aborted)) end();
    const attempt = { ...call, signal: ending.signal };
    try {
      const { response } = await transport.once(attempt, (init) => {
        const headers = { ...init.headers, ...(lastEventId !== undefined && { "Last-Event-ID": lastEventId }) };
        return transport.api.GET("/api/v1/changes/stream", { ...init, headers, parseAs: "stream" });
      });
      onOpen?.();
      for await (const { event, retry } of heardOf(response, end)) {
        if (retry !== undefined) firstRetry = retry;
        expired = event?.event === "token_expired";
        if (expired) break;
        failures = 0;
        if (event?.event === "changed") onChanged((lastEventId = event.id));
      }
    } catch (thrown) {
      error = thrown;
    } finally {
      for (const one of signals) one.removeEventListener("abort", end);
      end();
    }
    // All attempts are one user's.
    call.user = attempt.user;
    if (signal?.aborted) return;
    if (forgotten.aborted) throw forgottenMeanwhile();
    if (error !== undefined && !passes(error)) throw error;
    const backoff = Math.min(firstRetry * 2 ** failures, LAST_RETRY) * (0.5 + Math.random() / 2);
    const { retryAfter = 0 } = (error ?? {}) as { retryAfter?: number };
    // For a new token nobody has to wait.
    const delay = expired && failures === 0 ? 0 : Math.max(backoff, retryAfter * 1000);
    failures += 1;
    onRetry?.({ retry: failures, delay, error });
    await sleep(delay, signal).catch(() => undefined);
  }
}

/** Whether the stream can be opened again later. */
function passes(error: unknown): boolean {
  if (error instanceof TodowardUnreachable) return error.transient;
  // What a lost body throws is no error of ours, and no programming error of the callbacks either.
  if (error instanceof LostStream) return true;
  return isProblem(error) && (error.status === 429 || error.status >= 500);
}

class LostStream extends Error {}

/** What comes over a stream, piece by piece: an event, another time to retry, or a sign of life. */
async function* heardOf(response: Response, end: () => void): AsyncGenerator<{ event?: ServerEvent; retry?: number }> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let fields: Record<string, string> = {};
  try {
    for (;;) {
      const silence = setTimeout(end, SILENCE);
      const { done, value } = await reader
        .read()
        .catch((cause: unknown) => {
          throw new LostStream("the stream was lost", { cause });
        })
        .finally(() => clearTimeout(silence));
      if (done) return;
      // A line may end with \r\n, of which the \n has not come yet.
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      for (const line of lines) {
        const [, field = "", text = ""] = /^([^:]*)(?:: ?)?([^]*)$/.exec(line)!;
        if (line === "") {
          const { event = "message", data, id = "" } = fields;
          if (data !== undefined) yield { event: { event, data, id } };
          fields = {};
        } else if (field === "retry" && /^\d+$/.test(text)) {
          yield { retry: Number(text) };
        } else if (field === "data" && fields.data !== undefined) {
          fields.data += `\n${text}`;
        } else {
          fields[field] = text;
        }
      }
      yield {};
    }
  } finally {
    reader.releaseLock();
  }
}
