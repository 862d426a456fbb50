import { isProblem, SignedOut, TodowardUnreachable } from "todoward-client";
import { FrontendUnreachable } from "./token-source";

export interface Explanation {
  /** What happened. */
  title: string;
  /** What it means for the user, and what to do. */
  text: string;
  /** For whoever runs the servers. */
  hint?: string;
  /** Seconds after which the server wants to be asked again. */
  retryAfter?: number;
  /** It may go well if the same is asked again. */
  transient: boolean;
}

const BY_CODE: Record<string, [title: string, text: string]> = {
  rate_limited: ["Too many requests", "The server asks for a short pause."],
  overloaded: ["The server is busy", "It has more to do than it can at the moment."],
  database_unavailable: ["The database does not answer", "Nothing is wrong with your tasks; they cannot be read at the moment."],
  keys_unavailable: ["Todoward is still starting", "It has not got the keys of the sign-in server yet."],
  deadline_exceeded: ["That took too long", "The server gave up waiting."],
  request_timeout: ["That took too long", "The request did not arrive in time."],
  task_not_found: ["This task is gone", "It was deleted elsewhere."],
  not_owner: ["This is not your task", "It belongs to somebody else."],
  version_mismatch: ["Changed elsewhere", "The task was changed after you opened it."],
  body_too_large: ["That is too long", "Shorten the text and try again."],
};

/** An error in words that help. */
export function explain(error: unknown, baseUrl: string): Explanation {
  if (error instanceof SignedOut) {
    return { title: "Your session has expired", text: "Sign in again; nothing is lost.", transient: false };
  }
  if (error instanceof FrontendUnreachable || error instanceof TodowardUnreachable) {
    if (!navigator.onLine) {
      return { title: "You are offline", text: "Your tasks come back with the connection.", transient: true };
    }
    return unreachable(error, baseUrl);
  }
  if (isProblem(error)) {
    const { status, code, detail, requestId, retryAfter } = error;
    const transient = status === 429 || status === 408 || status >= 500;
    const hint = `${status} ${code}: ${detail} (request ${requestId})`;
    if (code === "no_such_address") return wrongAddress(baseUrl, error.message);
    if (status === 401) {
      const text = "Signing out and in again may help. If not, the two servers are set up differently.";
      return { title: "Todoward does not accept your sign-in", text, hint, transient: false };
    }
    const [title, text] = BY_CODE[code] ?? ["That did not work", sentence(detail)];
    return { title, text, hint, retryAfter, transient };
  }
  return { title: "Something went wrong", text: "Reload the page and try again.", hint: String(error), transient: false };
}

function unreachable(error: FrontendUnreachable | TodowardUnreachable, baseUrl: string): Explanation {
  if (error instanceof FrontendUnreachable) {
    const text = "Your sign-in cannot be checked at the moment. You stay signed in.";
    return { title: "The sign-in server does not answer", text, hint: error.message, transient: true };
  }
  if (error.transient) {
    const cors = isDirect(baseUrl) ? ` Does its TODOWARD__CORS__ALLOWED_ORIGINS name ${location.origin}?` : "";
    return {
      title: "No connection to Todoward",
      text: "Your tasks are safe on the server; they cannot be reached at the moment.",
      hint: `Is Todoward running where ${variable(baseUrl)} says?${cors} (${error.url})`,
      transient: true,
    };
  }
  return wrongAddress(baseUrl, error.message);
}

function wrongAddress(baseUrl: string, message: string): Explanation {
  return {
    title: "Something else answers instead of Todoward",
    text: "The address of the tasks server is wrong.",
    hint: `Check ${variable(baseUrl)} in the environment of the Next.js server. ${message}`,
    transient: true,
  };
}

const isDirect = (baseUrl: string) => !baseUrl.startsWith("/");

/** The one that says where Todoward is. */
const variable = (baseUrl: string) => (isDirect(baseUrl) ? "NEXT_PUBLIC_TODOWARD_URL" : process.env.ADDRESS_IN);

/** Whether nobody knows if a write was done: its answer is lost. */
export function isOutcomeUnknown(error: unknown): boolean {
  return (isProblem(error) || error instanceof TodowardUnreachable) && error.outcomeUnknown;
}

/** What went wrong, in one line. */
export function inOneLine(error: unknown, baseUrl: string): string {
  const { title, text, transient } = explain(error, baseUrl);
  return transient ? `${title}.` : `${title}. ${text}`;
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
