"use client";

import { useState } from "react";
import { showTheme } from "@/lib/settings";
import type { Theme } from "@/lib/theme";
import { ThemeButton } from "./theme-toggle";

/** Where nobody is signed in yet. */
export function AuthTheme({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  function change(next: Theme) {
    setTheme(next);
    showTheme(next);
  }
  return <ThemeButton theme={theme} onChange={change} />;
}
