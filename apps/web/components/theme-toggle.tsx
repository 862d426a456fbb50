"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { THEME_COOKIE, THEMES, type Theme } from "@/lib/theme";
import ui from "./ui.module.css";

const ICONS = { system: Monitor, light: Sun, dark: Moon };
const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };
const YEAR = 365 * 24 * 60 * 60;

export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const Icon = ICONS[theme];
  function toggle() {
    const next = NEXT[theme];
    setTheme(next);
    document.documentElement.dataset.theme = next;
    document.cookie = `${THEME_COOKIE}=${next}; path=/; max-age=${YEAR}; samesite=lax`;
  }
  const label = `Theme: ${THEMES[theme]}. Switch to ${THEMES[NEXT[theme]].toLowerCase()}`;
  return (
    <button type="button" className={ui.icon} onClick={toggle} aria-label={label} title={label}>
      <Icon size={18} />
    </button>
  );
}
