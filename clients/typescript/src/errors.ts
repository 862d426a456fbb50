import type { components } from "./schema.js";

/** The stable codes of `TodowardProblem.code`. A newer server may have more: leave room for a default. */
export type ErrorCode = components["schemas"]["ErrorCode"];

/** One fault of a request: in a body by `pointer` (RFC 6901), in a query by `parameter`. */
export type FieldError = components["schemas"]["FieldError"];

/** What the server refused, as it said so (RFC 9457). `detail` is for people, `code` for programs. */
export class TodowardProblem extends Error {
  override readonly name = "TodowardProblem";
  readonly status: number;
  readonly code: ErrorCode;
  readonly title: string;
  readonly detail: string;
  /** The path of the request. */
  readonly instance: string;
  /** Under this the server's log has the cause. */
  readonly requestId: string;
  /** Every wrong field or parameter, at most 50. */
  readonly errors: readonly FieldError[];
  /** Seconds to wait, of 429 and 503. */
  readonly retryAfter?: number;
  /** Of 412: the ETag that the task or list has now. */
  readonly etag?: string;
  /** Of `batch_refused`: the index of the operation that was refused. */
  readonly failed?: number;
  /** Of `invalid_import`: the line of the file; the first is 1. */
  readonly line?: number;
  /** Of `batch_refused`: why. */
  readonly problem?: components["schemas"]["Problem"];
  /** A write of which it is not known whether it was done. */
  outcomeUnknown: boolean;

  constructor(method: string, body: components["schemas"]["Problem"], headers: Headers) {
    const hint = body.code === "no_such_address" ? "; baseUrl is the server's address, without /api/v1" : "";
    super(
      `${method} ${body.instance}: ${body.status} ${body.code}: ${body.detail}${hint} (request ${body.request_id})`,
    );
    this.status = body.status;
    this.code = body.code;
    this.title = body.title;
    this.detail = body.detail;
    this.instance = body.instance;
    this.requestId = body.request_id;
    this.errors = body.errors ?? [];
    if (body.failed !== undefined) this.failed = body.failed;
    if (body.line !== undefined) this.line = body.line;
    // To the generator it is an object without members.
    if (body.problem) this.problem = body.problem as unknown as components["schemas"]["Problem"];
    const retryAfter = seconds(headers.get("retry-after"));
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    // A proxy that compresses makes tags weak, and a weak one never matches.
    const etag = headers.get("etag")?.replace(/^W\//, "");
    if (etag !== undefined) this.etag = etag;
    this.outcomeUnknown = method !== "GET" && UNCERTAIN.has(body.code);
  }

  /** The first fault of each field or parameter, by its name; `""` is the whole body. */
  fieldErrors(): Record<string, string> {
    const found = new Map<string, string>();
    for (const { pointer, parameter, detail } of this.errors) {
      const segment = (pointer ?? "").split("/")[1] ?? "";
      const name = parameter ?? segment.replaceAll("~1", "/").replaceAll("~0", "~");
      if (!found.has(name)) found.set(name, detail);
    }
    return Object.fromEntries(found);
  }
}

/** After these the server itself does not know, or does not say so in a code, what became of a write. */
const UNCERTAIN: ReadonlySet<string> = new Set(["deadline_exceeded", "database_unavailable", "internal"]);

/** No answer, or one that is not Todoward's: the connection was refused or lost, or `baseUrl` is wrong. */
export class TodowardUnreachable extends Error {
  override readonly name = "TodowardUnreachable";
  /** What was asked, without its query. */
  readonly url: string;
  /** Of an answer that is not Todoward's. */
  readonly status?: number;
  /** Seconds to wait, if a proxy said so. */
  readonly retryAfter?: number;
  /** Whether it may pass by itself: no answer, or one with which a proxy says that its server is away. */
  readonly transient: boolean;
  /** A write of which it is not known whether it was done. */
  outcomeUnknown: boolean;

  constructor(request: { method: string; url: string }, said: string, given: { response?: Response; cause?: unknown }) {
    const url = withoutQuery(request.url);
    super(`${request.method} ${url}: ${said}`, { cause: given.cause });
    this.url = url;
    const status = given.response?.status;
    if (status !== undefined) this.status = status;
    const retryAfter = seconds(given.response?.headers.get("retry-after"));
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    this.transient = status === undefined || passes(status);
    this.outcomeUnknown = request.method !== "GET" && this.transient && status !== 408 && status !== 429;
  }
}

/**
 * Not sent, because the user of the call is not signed in (any more): `token` gave null or undefined, or the
 * token of another user, or `forget()` came before all was sent. Show who is signed in, or the sign-in page.
 */
export class SignedOut extends Error {
  override readonly name = "SignedOut";

  constructor(cause?: unknown, message = "nobody is signed in: the option token gave no token") {
    super(message, { cause });
  }
}

/** The token would be the next user's, and the call is not. */
export function forgottenMeanwhile(): SignedOut {
  return new SignedOut(undefined, "not sent: forget() was called meanwhile");
}

/** The token is the next user's, and the call is not. */
export function ofAnotherUser(): SignedOut {
  return new SignedOut(undefined, "not sent: another user is signed in");
}

/** Whether it is a refusal of the server; with codes: one of these. */
export function isProblem<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: Code[]
): error is TodowardProblem & { readonly code: Code } {
  return error instanceof TodowardProblem && (codes.length === 0 || (codes as ErrorCode[]).includes(error.code));
}

/**
 * A proxy says in many ways that its server is away: 502 to 504, 520 to 530 (Cloudflare), or a bare
 * 500 (the rewrites of Next.js). 501 and 505 come from servers that will never understand.
 */
export function passes(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Of the header Retry-After: a number, or a date (of a proxy). */
function seconds(value: string | null | undefined): number | undefined {
  if (!value) return undefined;
  const given = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(given) ? undefined : Math.max(0, given);
}

function withoutQuery(url: string): string {
  return url.replace(/[?#][^]*/, "");
}
