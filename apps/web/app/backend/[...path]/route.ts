import { backendUrl, timeLimit } from "@/lib/server-config";

// Passes the browser's requests on to Todoward, so that both are on one origin
// and Todoward needs no CORS. A rewrite would do, too, but its target is fixed
// when the app is built or shown in a header, and it sends the cookies along.

const REQUEST_HEADERS = [
  "accept",
  "authorization",
  "content-type",
  "content-length",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "x-forwarded-for",
  "x-request-id",
];

/** They belong to one connection; fetch has unpacked the body already. */
const NOT_PASSED_BACK = ["connection", "keep-alive", "transfer-encoding", "content-encoding"];

/** What of Todoward is passed on. */
const PASSED_ON = /^\/(api\/v1|health)\//;

/** The address at Todoward; none, if it is not the API, however the path is written. */
function target(request: Request) {
  const { pathname, search } = new URL(request.url);
  const base = backendUrl().replace(/\/+$/, "");
  const path = pathname.replace(/^\/backend/, "") + search;
  if (!URL.canParse(base + path)) return undefined;
  const url = new URL(base + path);
  const prefix = new URL(base).pathname.replace(/\/$/, "");
  const isBelow = url.pathname.startsWith(prefix) && url.origin === new URL(base).origin;
  return isBelow && PASSED_ON.test(url.pathname.slice(prefix.length)) ? url : undefined;
}

async function passOn(request: Request) {
  const url = target(request);
  if (!url) return new Response("Only the tasks API is passed on", { status: 404 });
  const headers = new Headers({ "accept-encoding": "identity" });
  for (const name of REQUEST_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  // One controller, which nothing but this function's own listeners end: a signal of AbortSignal.any() can be collected
  // while the body still comes, and a stream would then outlive the page that listened.
  const ending = new AbortController();
  request.signal.addEventListener("abort", () => ending.abort(), { once: true });
  // A response has to begin in time, once the request is sent: a long file on a slow line is not Todoward's fault.
  let isLate = false;
  let isHere = false;
  let late: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    // What is refused may be refused before it is sent.
    if (isHere) return;
    late = setTimeout(() => {
      isLate = true;
      ending.abort();
    }, timeLimit());
  };
  const body = request.body?.pipeThrough(new TransformStream({ flush: begin }));
  if (!body) begin();
  const init = { method: request.method, headers, body, duplex: "half", redirect: "manual", cache: "no-store" };
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: ending.signal } as RequestInit);
  } catch (error) {
    if (!request.signal.aborted) console.error(`Todoward does not answer at ${url.origin} (TODOWARD_URL):`, reason(error));
    // The client package takes it for what it is: no connection, which may pass.
    return new Response("Todoward does not answer", { status: isLate ? 504 : 502 });
  } finally {
    isHere = true;
    clearTimeout(late);
  }
  const back = new Headers(response.headers);
  for (const name of NOT_PASSED_BACK) back.delete(name);
  return new Response(response.body, { status: response.status, headers: back });
}

/** fetch says only that it failed; why is in the cause. */
function reason(error: unknown) {
  return error instanceof Error && error.cause ? String(error.cause) : String(error);
}

export { passOn as DELETE, passOn as GET, passOn as PATCH, passOn as POST, passOn as PUT };
