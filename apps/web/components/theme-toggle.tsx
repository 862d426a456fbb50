import { Monitor, Moon, Sun } from "lucide-react";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { THEMES, type Theme } from "@/lib/theme";
import ui from "./ui.module.css";

const ICONS = { system: Monitor, light: Sun, dark: Moon };
const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };

export function ThemeToggle() {
  const { settings } = useServices();
  const { theme } = useStore(settings);
  return <ThemeButton theme={theme} onChange={(next) => settings.change({ theme: next })} />;
}

export function ThemeButton({ theme, onChange }: { theme: Theme; onChange: (theme: Theme) => void }) {
  const Icon = ICONS[theme];
  const label = `Theme: ${THEMES[theme]}. Switch to ${THEMES[NEXT[theme]].toLowerCase()}`;
  return (
    <button type="button" className={ui.icon} onClick={() => onChange(NEXT[theme])} aria-label={label} title={label}>
      <Icon size={18} />
    </button>
  );
}
