import { Command, Menu, Search, X } from "lucide-react";
import { memo, useRef } from "react";
import { useAddress } from "@/hooks/use-address";
import { useSingleKeys } from "@/hooks/use-shortcuts";
import { at, NO_FILTERS } from "@/lib/places";
import { useServices } from "@/lib/services";
import { ThemeToggle } from "./theme-toggle";
import styles from "./top-bar.module.css";
import ui from "./ui.module.css";
import { UserMenu } from "./user-menu";

interface Props {
  onMenu: () => void;
  onPalette: () => void;
}

export const TopBar = memo(function TopBar({ onMenu, onPalette }: Props) {
  return (
    <header className={styles.bar}>
      <button type="button" className={`${ui.icon} ${styles.menu}`} aria-label="Open sidebar" onClick={onMenu}>
        <Menu size={20} />
      </button>
      <SearchField />
      <span className={styles.spacer} />
      <button type="button" className={`${ui.icon} ${styles.wide}`} aria-label="Command menu" title="Command menu (Ctrl K)" onClick={onPalette}>
        <Command size={18} />
      </button>
      <span className={styles.wide}>
        <ThemeToggle />
      </span>
      <UserMenu />
    </header>
  );
});

/** Looks in every task, from wherever the user is. */
function SearchField() {
  const { navigation } = useServices();
  const { filters, place } = useAddress();
  const input = useRef<HTMLInputElement>(null);
  const singleKeys = useSingleKeys();

  function type(q: string) {
    const now = navigation.get();
    // The first letter is a step that Back takes back; the others change it.
    const replace = now.filters.q !== "";
    if (place.kind === "all" || place.kind === "done" || place.kind === "trash") navigation.change({ filters: { ...filters, q } }, { replace });
    else navigation.go({ ...at({ kind: "all" }), filters: { ...NO_FILTERS, q } }, { replace });
  }

  return (
    <div className={styles.search} role="search">
      <Search size={16} aria-hidden="true" />
      <input
        ref={input}
        type="search"
        data-search
        aria-label="Search tasks"
        placeholder="Search"
        maxLength={100}
        autoComplete="off"
        value={filters.q}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
          if (filters.q) type("");
          else event.currentTarget.blur();
        }}
      />
      {filters.q ? (
        <button
          type="button"
          aria-label="Clear search"
          onClick={() => {
            type("");
            input.current?.focus();
          }}
        >
          <X size={15} />
        </button>
      ) : (
        singleKeys && <kbd aria-hidden="true">/</kbd>
      )}
    </div>
  );
}
