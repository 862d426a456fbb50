import { SignedOut } from "./errors.js";

/** Gives the JWT of who is signed in; null or undefined: nobody is. With `refresh` the last one was refused. */
export type TokenSource = (wanted: { refresh: boolean }) => Promise<string | null | undefined>;

/** A token, and how often it had been renewed when it was given. */
interface Given {
  token: string;
  renewals: number;
}

/** Asks for tokens: once for all requests that wait for one at the same time. */
export class Tokens {
  #source: TokenSource;
  #renewals = 0;
  #asking: Promise<Given> | undefined;
  #renewing: Promise<Given> | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /** The token to send now. */
  current(): Promise<Given> {
    if (this.#renewing) return this.#renewing;
    const asking = (this.#asking ??= this.#ask(false));
    return asking.finally(() => {
      // After forget() it may be the next user's that is asked for.
      if (this.#asking === asking) this.#asking = undefined;
    });
  }

  /** Another token than one that was refused. */
  async insteadOf(refused: Given, why: unknown): Promise<Given> {
    if (this.#renewals > refused.renewals) {
      // Renewed while this request was under way: that one may do.
      const given = await this.current();
      if (given.token !== refused.token) return given;
    }
    const renewing = (this.#renewing ??= this.#ask(true, why));
    return renewing.finally(() => {
      if (this.#renewing === renewing) this.#renewing = undefined;
    });
  }

  /** What is asked for now was for somebody else. */
  forget(): void {
    this.#asking = undefined;
    this.#renewing = undefined;
  }

  async #ask(refresh: boolean, why?: unknown): Promise<Given> {
    const token: unknown = await this.#source({ refresh });
    if (token === null || token === undefined || token === "") throw new SignedOut(why);
    // Said here, without the value: an error of fetch would show it.
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError("the option token must give the JWT itself, as with (await authClient.token()).data?.token");
    }
    if (refresh) this.#renewals += 1;
    return { token, renewals: this.#renewals };
  }
}
