import { Menu } from "lucide-react";
import ui from "./ui.module.css";
import styles from "./top-bar.module.css";

export function TopBar({ onMenu }: { onMenu: () => void }) {
  return (
    <header className={styles.bar}>
      <button type="button" className={`${ui.icon} ${styles.menu}`} aria-label="Open the sidebar" onClick={onMenu}>
        <Menu size={20} />
      </button>
    </header>
  );
}
