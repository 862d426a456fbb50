/**
 * What must survive a reload and a new sign-in, but not the tab: drafts, kept
 * apart for each user. Never tokens.
 */
export class UserStorage {
  constructor(private readonly userId: string) {}

  read<T>(name: string, otherwise: T): T {
    try {
      const text = sessionStorage.getItem(this.key(name));
      return text === null ? otherwise : (JSON.parse(text) as T);
    } catch {
      return otherwise; // storage is switched off, or holds something else
    }
  }

  write(name: string, value: unknown) {
    try {
      if (value === undefined) sessionStorage.removeItem(this.key(name));
      else sessionStorage.setItem(this.key(name), JSON.stringify(value));
    } catch {
      // Full, or switched off: the page works on without it.
    }
  }

  private key(name: string) {
    return `todoward:${this.userId}:${name}`;
  }
}
