import { ArrowUpDown, CalendarDays, Flag, Hash, Search, X } from "lucide-react";
import { type ComponentType, type ReactNode, useEffect, useEffectEvent, useState } from "react";
import { useSingleKeys } from "@/hooks/use-shortcuts";
import { DUES, type Filters, PRIORITIES, SORTS, STATUSES } from "@/lib/filters";
import styles from "./toolbar.module.css";

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
  tags: string[];
}

/** Search, filters and order. */
export function Toolbar({ filters, onChange, tags }: Props) {
  const known = filters.tag && !tags.includes(filters.tag) ? [filters.tag, ...tags] : tags;
  return (
    <div className={styles.toolbar} role="search" aria-label="Tasks">
      <fieldset className={styles.status}>
        <legend className="visually-hidden">Show</legend>
        {Object.entries(STATUSES).map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="status"
              value={value}
              checked={filters.status === value}
              onChange={() => onChange({ status: value as Filters["status"] })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <SearchField value={filters.q} onChange={(q) => onChange({ q })} />
      <div className={styles.selects}>
        <Choice icon={CalendarDays} label="Filter by due date" value={filters.due} set={filters.due !== "any"} onChange={(due) => onChange({ due })}>
          {options(DUES)}
        </Choice>
        <Choice icon={Flag} label="Filter by priority" value={filters.priority} set={filters.priority !== "any"} onChange={(priority) => onChange({ priority })}>
          <option value="any">Any priority</option>
          {options(PRIORITIES)}
        </Choice>
        <Choice icon={Hash} label="Filter by tag" value={filters.tag} set={filters.tag !== ""} onChange={(tag) => onChange({ tag })}>
          <option value="">Any tag</option>
          {known.map((tag) => (
            <option key={tag}>{tag}</option>
          ))}
        </Choice>
        <Choice icon={ArrowUpDown} label="Sort by" value={filters.sort} set={false} onChange={(sort) => onChange({ sort })}>
          {options(SORTS)}
        </Choice>
      </div>
    </div>
  );
}

function options(labels: Record<string, string>) {
  return Object.entries(labels).map(([value, label]) => (
    <option key={value} value={value}>
      {label}
    </option>
  ));
}

interface ChoiceProps<T extends string> {
  icon: ComponentType<{ size: number }>;
  label: string;
  value: T;
  set: boolean;
  onChange: (value: T) => void;
  children: ReactNode;
}

function Choice<T extends string>({ icon: Icon, label, value, set, onChange, children }: ChoiceProps<T>) {
  return (
    <label className={styles.choice} data-set={set}>
      <Icon size={14} />
      <span className="visually-hidden">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value as T)}>
        {children}
      </select>
    </label>
  );
}

const PAUSE = 250;

/** Asks the server when typing pauses, not for every letter. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [before, setBefore] = useState(value);
  const singleKeys = useSingleKeys();
  if (before !== value) {
    // Cleared from elsewhere.
    setBefore(value);
    setTyped(value);
  }
  const ask = useEffectEvent(() => typed !== value && onChange(typed));
  useEffect(() => {
    const timer = setTimeout(() => ask(), typed === "" ? 0 : PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div className={styles.search}>
      <Search size={16} aria-hidden="true" />
      <input
        type="search"
        data-search
        aria-label="Search tasks"
        placeholder="Search"
        maxLength={100}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
          if (typed) setTyped("");
          else event.currentTarget.blur();
        }}
      />
      {typed ? (
        <button type="button" aria-label="Clear search" onClick={() => setTyped("")}>
          <X size={14} />
        </button>
      ) : (
        singleKeys && <kbd aria-hidden="true">/</kbd>
      )}
    </div>
  );
}
