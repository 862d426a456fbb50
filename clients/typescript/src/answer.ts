import type { components } from "./schema.js";
import { passes, TodowardProblem, TodowardUnreachable } from "./errors.js";

type Problem = components["schemas"]["Problem"];

/** Sends a request. Resolves to an answer that is Todoward's and no refusal, and whole. */
export async function answered(fetch: typeof globalThis.fetch, request: Request): Promise<Response> {
  let response: Response;
  let text: string;
  try {
    // Answers are one user's own; no cache of the browser or of a framework may keep them.
    response = await fetch(request, { cache: "no-store" });
    text = await response.text();
  } catch (cause) {
    request.signal.throwIfAborted();
    throw new TodowardUnreachable(request, `no answer (${causes(cause)}). ${CHECK_CONNECTION}`, { cause });
  }
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  if (status === 204 || status === 304) return new Response(null, { status, headers });
  if (response.ok && /^application\/json\b/.test(type) && isAnswer(parsed(text))) return new Response(text, { status, headers });
  const problem = type.startsWith("application/problem+json") ? parsed(text) : undefined;
  if (isProblemBody(problem)) throw new TodowardProblem(request.method, problem, headers);
  throw foreign(request, response, text);
}

const CHECK_CONNECTION =
  "Does the server run, and is baseUrl its address? In a browser, also: is the page's origin in TODOWARD__CORS__ALLOWED_ORIGINS?";
const MAY_PASS = "A proxy in front of the server may have said so while the server is away; then it passes. Else:";
const CHECK_ADDRESS = "Check baseUrl: the address of the Todoward server, without /api/v1";

/** The error for an answer that somebody else gave: another server, a proxy, a sign-in wall. */
function foreign(request: { method: string; url: string }, response: Response, text: string) {
  // A redirect is not followed: it would lose the token, or turn a write into a read.
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
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

/** Whether it looks like a task, a list or a count; another service may speak JSON, too. */
function isAnswer(value: unknown): boolean {
  return typeof value === "object" && value !== null && ["id", "items", "deleted"].some((member) => member in value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblemBody(value: unknown): value is Problem {
  const { code, detail, status } = (value ?? {}) as Partial<Problem>;
  return typeof code === "string" && typeof detail === "string" && typeof status === "number";
}

/** Node.js says "fetch failed" and hides the reason in the cause. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause as { message?: string; code?: string } | undefined;
  return [error.message, inner?.message || inner?.code].filter(Boolean).join(": ");
}
