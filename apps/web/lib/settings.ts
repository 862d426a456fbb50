import type { UserStorage } from "./storage";
import { Store } from "./store";
import { THEME_COOKIE, type Theme } from "./theme";

export interface Settings {
  theme: Theme;
  /** 0 is Sunday. */
  weekStart: 0 | 1 | 6;
  /** An IANA name; null: that of the device. */
  timeZone: string | null;
  /** Whether keys that are single characters act. */
  singleKeys: boolean;
  density: "comfortable" | "compact";
}

const DEFAULTS: Settings = { theme: "system", weekStart: 1, timeZone: null, singleKeys: true, density: "comfortable" };
const YEAR = 365 * 24 * 60 * 60;

/** What a user has chosen, on this device. */
export class SettingsStore extends Store<Settings> {
  private readonly storage: UserStorage;

  constructor(storage: UserStorage, theme: Theme) {
    const rendered = { ...DEFAULTS, theme };
    super({ ...DEFAULTS, ...storage.read<Partial<Settings>>("settings", {}), theme }, rendered);
    this.storage = storage;
  }

  change(some: Partial<Settings>) {
    const settings = { ...this.get(), ...some };
    this.set(settings);
    this.storage.write("settings", settings);
    if (some.theme) showTheme(some.theme);
  }
}

/** The theme is in a cookie, so that the server writes it into the page and nothing flashes. */
export function showTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `${THEME_COOKIE}=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
}

/** The zone that days and times are shown in. */
export function zoneOf({ timeZone }: Settings): string {
  return timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}
