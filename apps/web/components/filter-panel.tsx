import type { ReactNode } from "react";
import { useAddress } from "@/hooks/use-address";
import { useTags } from "@/hooks/use-rows";
import { DUES, type Filters, isNarrowed, NO_FILTERS, PRIORITIES, type Sort, SORTS } from "@/lib/places";
import { useServices } from "@/lib/services";
import styles from "./filter-bar.module.css";
import ui from "./ui.module.css";

/** What the list can be narrowed to, and its orders. */
export function FilterPanel({ close }: { close: () => void }) {
  const { navigation } = useServices();
  const { place, filters } = useAddress();
  const tags = useTags();
  const { tag, priority, due, sort } = filters;
  const change = (some: Partial<Filters>) => navigation.change({ filters: { ...filters, ...some } });
  const known = tag && !tags.some(({ name }) => name === tag) ? [{ name: tag, open: 0 }, ...tags] : tags;
  const sortable = place.kind !== "done" && place.kind !== "trash";
  return (
    <div className={styles.panel}>
      <Choice label="Filter by due date" text="Due" value={due} onChange={(value) => change({ due: value })}>
        {options(DUES)}
      </Choice>
      <Choice label="Filter by priority" text="Priority" value={priority} onChange={(value) => change({ priority: value })}>
        <option value="any">Any priority</option>
        {options({ ...PRIORITIES, none: "No priority" })}
      </Choice>
      <Choice label="Filter by tag" text="Tag" value={tag} onChange={(value) => change({ tag: value })}>
        <option value="">Any tag</option>
        {known.map(({ name, open }) => (
          <option key={name} value={name}>
            {name} ({open})
          </option>
        ))}
      </Choice>
      {sortable && (
        <Choice label="Sort by" text="Sort by" value={sort ?? "default"} onChange={(value) => change({ sort: value === "default" ? undefined : (value as Sort) })}>
          <option value="default">{place.kind === "today" ? "Due date" : SORTS.manual}</option>
          {options(Object.fromEntries(Object.entries(SORTS).filter(([value]) => value !== "manual" && !(place.kind === "today" && value === "due_date"))))}
        </Choice>
      )}
      <div className={styles.foot}>
        <button type="button" className={ui.ghost} disabled={!isNarrowed(filters) && !sort} onClick={() => change({ ...NO_FILTERS, q: filters.q })}>
          Clear all
        </button>
        <button type="button" className={ui.button} onClick={close}>
          Done
        </button>
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
  label: string;
  text: string;
  value: T;
  onChange: (value: T) => void;
  children: ReactNode;
}

function Choice<T extends string>({ label, text, value, onChange, children }: ChoiceProps<T>) {
  return (
    <label className={styles.choice}>
      <span aria-hidden="true">{text}</span>
      <select className={ui.input} aria-label={label} value={value} onChange={(event) => onChange(event.target.value as T)}>
        {children}
      </select>
    </label>
  );
}
