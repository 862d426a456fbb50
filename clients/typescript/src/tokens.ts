import { SignedOut } from "./errors.js";

/** Gives the JWT of who is signed in; null or undefined: nobody is. With `refresh` the last one was refused. */
export type TokenSource = (wanted: { refresh: boolean }) => Promise<string | null | undefined>;

/** A token, and how often it had been renewed when it was given. */
interface Given {
  token: string;
  renewals: number;
}

/** Asks for tokens. */
export class Tokens {
  #source: TokenSource;
  #renewals = 0;
  /** Will be asked for in a moment. */
  #next: Promise<Given> | undefined;
  #renewing: Promise<Given> | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /**
   * The token to send now. Calls of the same moment share one, but no call takes one that was asked for
   * before it was made: that may be of the user before.
   */
  current(): Promise<Given> {
    return (this.#next ??= this.#soon());
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
    this.#next = undefined;
    this.#renewing = undefined;
  }

  async #soon(): Promise<Given> {
    // Until then the source may still give the one that was refused.
    await this.#renewing?.catch(() => undefined);
    this.#next = undefined;
    return this.#ask(false);
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

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The user of a JWT; undefined if it is none. By hand: not every React Native has atob() and TextDecoder. */
export function subjectOf(token: string): string | undefined {
  let encoded = "";
  let bits = 0;
  let held = 0;
  for (const letter of token.split(".")[1] ?? "") {
    held = ((held << 6) | BASE64URL.indexOf(letter)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    encoded += `%${((held >> bits) & 0xff).toString(16).padStart(2, "0")}`;
  }
  try {
    const { sub } = JSON.parse(decodeURIComponent(encoded)) as { sub?: unknown };
    return typeof sub === "string" ? sub : undefined;
  } catch {
    return undefined;
  }
}
