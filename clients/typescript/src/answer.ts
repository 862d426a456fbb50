import type { components } from "./schema.js";
import { throwIfAborted } from "./abort.js";
import { passes, TodowardProblem, TodowardUnreachable } from "./errors.js";

type Schemas = components["schemas"];

/** Whether a body can be Todoward's response to a call, and not what another service says in JSON. */
export type Expected = (body: unknown) => boolean;

/** A response whose body is read as it comes: Server-Sent Events. */
export const EVENTS = "text/event-stream";

/** A response whose body is read as it comes: a file. */
export const FILE = "attachment";

/** What is read as it comes. */
export type Streamed = typeof EVENTS | typeof FILE;

/**
 * Sends a request. Resolves to an answer that is Todoward's and no refusal, and whole. Without `expected` the
 * answer has no body.
 */
export async function answered(
  fetch: typeof globalThis.fetch,
  request: Request,
  expected: Expected | Streamed | undefined,
): Promise<Response> {
  let response: Response;
  let text: string;
  try {
    // Answers are one user's own; no cache of the browser or of a framework may keep them. Only where
    // there is one: older workerd throws at it, and React Native makes it a parameter of the query.
    response = await fetch(request, "cache" in request ? { cache: "no-store" } : {});
    if (expected === EVENTS && response.ok && isOf(response, EVENTS)) return response;
    if (expected === FILE && response.ok && isAttachment(response)) return response;
    text = await response.text();
  } catch (cause) {
    throwIfAborted(request.signal);
    throw new TodowardUnreachable(request, `no answer (${causes(cause)}). ${CHECK_CONNECTION}`, { cause });
  }
  const { status, headers } = response;
  const unchanged = status === 304 && request.headers.has("if-none-match");
  if (unchanged || (status === 204 && !expected)) return new Response(null, { status, headers });
  const json = response.ok && isOf(response, "application/json") ? parsed(text) : undefined;
  if (typeof expected === "function" && expected(json)) return new Response(text, { status, headers });
  const problem = isOf(response, "application/problem+json") ? parsed(text) : undefined;
  if (isProblemBody(problem)) throw new TodowardProblem(request.method, problem, headers);
  throw foreign(request, response, text);
}

function isOf({ headers }: Response, type: string): boolean {
  return (headers.get("content-type") ?? "").split(";")[0]?.trim() === type;
}

/** A page may not read this header of another origin: then the type has to do. */
function isAttachment(response: Response): boolean {
  const disposition = response.headers.get("content-disposition");
  const types = ["application/x-ndjson", "text/csv", "text/calendar", "text/plain"];
  return types.some((type) => isOf(response, type)) && (disposition === null || disposition.startsWith(FILE));
}

const CHECK_CONNECTION =
  "Does the server run, and is baseUrl its address? In a browser, also: is the page's origin in TODOWARD__CORS__ALLOWED_ORIGINS?";
const MAY_PASS = "A proxy in front of the server may have said so while the server is away; then it passes. Else:";
const CHECK_ADDRESS = "Check baseUrl: the address of the Todoward server, without /api/v1";

/** The error for an answer that somebody else gave: another server, a proxy, a sign-in wall. */
function foreign(request: { method: string; url: string }, response: Response, text: string) {
  // A redirect is not followed: it would lose the token, or turn a write into a read.
  const redirects = response.status >= 300 && response.status < 400 && response.status !== 304;
  if (response.type === "opaqueredirect" || redirects) {
    const to = response.headers.get("location");
    const said = `answered with a redirect${to ? ` to ${to}` : ""}, which Todoward never does`;
    return new TodowardUnreachable(request, `${said}. ${CHECK_ADDRESS}, with https where it is served so`, { response });
  }
  const type = response.headers.get("content-type") ?? "no content type";
  const start = text.replace(/\s+/g, " ").trim().slice(0, 80);
  const said = `answered ${response.status}, ${type}, ${start ? `"${start}"` : "an empty body"}`;
  const check = passes(response.status) ? `${MAY_PASS} ${CHECK_ADDRESS}` : CHECK_ADDRESS;
  return new TodowardUnreachable(request, `${said}; that is not Todoward's. ${check}`, { response });
}

/** A task or a list. */
export function isRow(value: unknown): boolean {
  const { id, version } = (value ?? {}) as Partial<Schemas["Task"]>;
  return typeof id === "string" && Number.isSafeInteger(version);
}

export function isPage(value: unknown): boolean {
  const { items } = (value ?? {}) as Partial<Schemas["TaskList"]>;
  return Array.isArray(items) && items.every(isRow);
}

export function isChanges(value: unknown): boolean {
  const { tasks, lists, gone, next, more } = (value ?? {}) as Partial<Schemas["Changes"]>;
  const rows = [tasks, lists].every((some) => Array.isArray(some) && some.every(isRow));
  return rows && Array.isArray(gone) && typeof next === "string" && typeof more === "boolean";
}

export function isBatch(value: unknown): boolean {
  const { results } = (value ?? {}) as { results?: unknown };
  const isResult = (one: { status?: unknown } | null) => Number.isSafeInteger(one?.status);
  return Array.isArray(results) && results.every(isResult);
}

/** How many were deleted. */
export function isCleared(value: unknown): boolean {
  const { deleted } = (value ?? {}) as Partial<Schemas["Cleared"]>;
  return Number.isSafeInteger(deleted);
}

/** How many tasks have changed. */
export function isChanged(value: unknown): boolean {
  const { changed } = (value ?? {}) as Partial<Schemas["Changed"]>;
  return Number.isSafeInteger(changed);
}

export const isCount =
  (grouped: boolean): Expected =>
  (value) => {
    const { count, groups } = (value ?? {}) as Partial<Schemas["Count"]>;
    return Number.isSafeInteger(count) && (!grouped || Array.isArray(groups));
  };

export function isTags(value: unknown): boolean {
  const { items } = (value ?? {}) as Partial<Schemas["TagList"]>;
  return Array.isArray(items) && items.every((tag: Partial<Schemas["Tag"]> | null) => typeof tag?.name === "string");
}

export function isAccount(value: unknown): boolean {
  const { owner_id, expires_at } = (value ?? {}) as Partial<Schemas["Account"]>;
  return typeof owner_id === "string" && typeof expires_at === "string" && isRowCounts(value);
}

export function isErased(value: unknown): boolean {
  return isRowCounts(((value ?? {}) as Partial<Schemas["Erased"]>).deleted);
}

export function isAdopted(value: unknown): boolean {
  return isRowCounts(((value ?? {}) as Partial<Schemas["Adopted"]>).adopted);
}

export function isImported(value: unknown): boolean {
  const { created, existing, dropped } = (value ?? {}) as Partial<Schemas["Import"]>;
  return isRowCounts(created) && isRowCounts(existing) && Array.isArray(dropped);
}

function isRowCounts(value: unknown): boolean {
  const { tasks, lists } = (value ?? {}) as Partial<Schemas["RowCounts"]>;
  return Number.isSafeInteger(tasks) && Number.isSafeInteger(lists);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblemBody(value: unknown): value is Schemas["Problem"] {
  const { code, detail, status } = (value ?? {}) as Partial<Schemas["Problem"]>;
  return typeof code === "string" && typeof detail === "string" && typeof status === "number";
}

/** Node.js says "fetch failed" and hides the reason in the cause. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause as { message?: string; code?: string } | undefined;
  return [error.message, inner?.message || inner?.code].filter(Boolean).join(": ");
}
