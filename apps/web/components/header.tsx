import { Keyboard } from "lucide-react";
import type { Theme } from "@/lib/theme";
import layout from "./layout.module.css";
import { Logo } from "./logo";
import { ThemeToggle } from "./theme-toggle";
import ui from "./ui.module.css";
import { UserMenu } from "./user-menu";

export function Header({ theme, onHelp }: { theme: Theme; onHelp: () => void }) {
  return (
    <header className={layout.header}>
      <div className={layout.bar}>
        <Logo />
        <span className={layout.spacer} />
        <button type="button" className={ui.icon} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onHelp}>
          <Keyboard size={18} />
        </button>
        <ThemeToggle initial={theme} />
        <UserMenu />
      </div>
    </header>
  );
}
