/**
 * What must survive a reload and a new sign-in, kept apart for each user: drafts,
 * which go with the tab, and settings, which stay. Never tokens.
 */
export class UserStorage {
  private readonly userId: string;
  private readonly area: "sessionStorage" | "localStorage";

  constructor(userId: string, area: "sessionStorage" | "localStorage" = "sessionStorage") {
    this.userId = userId;
    this.area = area;
  }

  read<T>(name: string, otherwise: T): T {
    try {
      const text = window[this.area].getItem(this.key(name));
      return text === null ? otherwise : (JSON.parse(text) as T);
    } catch {
      return otherwise; // storage is switched off, or holds something else
    }
  }

  write(name: string, value: unknown) {
    try {
      if (value === undefined) window[this.area].removeItem(this.key(name));
      else window[this.area].setItem(this.key(name), JSON.stringify(value));
    } catch {
      // Full, or switched off: the page works on without it.
    }
  }

  /** Removes all of this user. */
  clear() {
    try {
      const area = window[this.area];
      for (const key of Object.keys(area)) if (key.startsWith(this.key(""))) area.removeItem(key);
    } catch {
      // It is switched off: nothing is there.
    }
  }

  key(name: string) {
    return `todoward:${this.userId}:${name}`;
  }
}
