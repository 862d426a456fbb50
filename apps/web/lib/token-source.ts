/** Seconds before its end from which a token is not used any more. */
const MARGIN = 30;

/** Milliseconds; without it a server that hangs is waited for as long as the browser does. */
const TIME_LIMIT = 17_000;

interface Claims {
  sub: string;
  exp: number;
}

/** Better Auth's tokens for one user, kept in memory and nowhere else. */
export class TokenSource {
  private token: string | null = null;
  private asking: Promise<string | null> | null = null;
  private readonly userId: string;
  private readonly onOtherUser: () => void;

  constructor(userId: string, onOtherUser: () => void) {
    this.userId = userId;
    this.onOtherUser = onOtherUser;
  }

  /** A token; null if nobody is signed in. Throws if the frontend cannot be reached. */
  get(refresh: boolean): Promise<string | null> {
    if (refresh) this.token = null;
    else this.dropIfStale();
    if (this.token) return Promise.resolve(this.token);
    if (this.asking) return this.asking;
    const asking: Promise<string | null> = this.ask()
      // Somebody has signed in since it was asked: then nobody was, and now there is a token.
      .then((token) => (token || this.asking === asking ? token : this.get(false)))
      .finally(() => this.asking === asking && (this.asking = null));
    return (this.asking = asking);
  }

  /** Timers sleep with the computer, so the time is looked at, not waited for. */
  dropIfStale() {
    if (this.token && readClaims(this.token).exp - MARGIN < Date.now() / 1000) this.token = null;
  }

  /** Of what is being asked for, too, nothing counts that is said of the session before. */
  forget() {
    this.token = this.asking = null;
  }

  private async ask() {
    const response = await askFrontend();
    if (response.status === 401) return null;
    if (!response.ok) throw new FrontendUnreachable(response.status);
    const { token } = (await response.json()) as { token: string };
    // Somebody else may have signed in in another tab: nothing of this page is for them.
    if (readClaims(token).sub !== this.userId) {
      this.onOtherUser();
      return null;
    }
    this.token = token;
    return token;
  }
}

/** As `authClient.token()`, which would bring the whole client of Better Auth into the first script. */
async function askFrontend(): Promise<Response> {
  const limit = new AbortController();
  const late = setTimeout(() => limit.abort(), TIME_LIMIT);
  try {
    return await fetch("/api/auth/token", { signal: limit.signal });
  } catch {
    throw new FrontendUnreachable(0);
  } finally {
    clearTimeout(late);
  }
}

/** No token, but not because the user is signed out. */
class FrontendUnreachable extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`no token: /api/auth/token answers ${status || "nothing"}`);
    this.name = "FrontendUnreachable";
    this.status = status;
  }
}

function readClaims(token: string): Claims {
  const part = token.split(".")[1] ?? "";
  return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) as Claims;
}
