// The theme is in a cookie, so that the server writes it into the page and nothing flashes.

export const THEME_COOKIE = "theme";

export const THEMES = { system: "System", light: "Light", dark: "Dark" } as const;

export type Theme = keyof typeof THEMES;

export function readTheme(value: string | undefined): Theme {
  return value === "light" || value === "dark" ? value : "system";
}
