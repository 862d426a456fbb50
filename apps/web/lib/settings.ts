import type { UserStorage } from "./storage";
import { Store } from "./store.ts";
import { readTheme, THEME_COOKIE, type Theme } from "./theme.ts";

interface Settings {
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

const NAME = "settings";

/** What a user has chosen, on this device. */
export class SettingsStore extends Store<Settings> {
  private readonly storage: UserStorage;

  constructor(storage: UserStorage, theme: Theme) {
    const rendered = { ...DEFAULTS, theme };
    const kept = { ...known(storage.read<unknown>(NAME, {})), theme };
    const names = Object.keys(rendered) as (keyof Settings)[];
    // The same object where it says the same: else all that shows it is drawn twice.
    super(names.every((name) => kept[name] === rendered[name]) ? rendered : kept, rendered);
    this.storage = storage;
  }

  /** Begins to follow the other tabs; gives the function that ends it. */
  start(): () => void {
    const heard = (event: StorageEvent) => {
      if (event.key !== this.storage.key(NAME)) return;
      const settings = known(this.storage.read<unknown>(NAME, {}));
      if (settings.theme !== this.get().theme) document.documentElement.dataset.theme = settings.theme;
      this.set(settings);
    };
    window.addEventListener("storage", heard);
    return () => window.removeEventListener("storage", heard);
  }

  change(some: Partial<Settings>) {
    const settings = { ...this.get(), ...some };
    this.set(settings);
    this.storage.write(NAME, settings);
    if (some.theme) showTheme(some.theme);
  }
}

/** The settings that were stored, as far as this release and this browser know them. */
export function known(stored: unknown): Settings {
  const { theme, weekStart, timeZone, singleKeys, density } = (stored ?? {}) as Partial<Record<keyof Settings, unknown>>;
  return {
    theme: readTheme(String(theme)),
    weekStart: weekStart === 0 || weekStart === 6 ? weekStart : DEFAULTS.weekStart,
    timeZone: typeof timeZone === "string" && isZone(timeZone) ? timeZone : null,
    singleKeys: singleKeys !== false,
    density: density === "compact" ? density : DEFAULTS.density,
  };
}

function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** The theme is in a cookie, so that the server writes it into the page and nothing flashes. */
export function showTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `${THEME_COOKIE}=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
}

/** The zone that days and times are shown in. */
export function zoneOf({ timeZone }: Settings): string {
  return timeZone ?? here();
}

/** By Temporal where there is one: for the first time, Intl takes long. */
function here(): string {
  const { Temporal } = globalThis as { Temporal?: { Now: { timeZoneId(): string } } };
  return Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}
