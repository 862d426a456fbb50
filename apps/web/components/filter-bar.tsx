import { ListFilter, X } from "lucide-react";
import { memo, Suspense } from "react";
import { useAddress } from "@/hooks/use-address";
import { DUES, type Filters, PRIORITIES, SORTS } from "@/lib/places";
import { useServices } from "@/lib/services";
import styles from "./filter-bar.module.css";
import { FilterPanel } from "./later";
import { Menu } from "./menu";
import ui from "./ui.module.css";

/** What narrows the list, and its order. Each change is a step that Back takes back. */
export const FilterBar = memo(function FilterBar() {
  const { navigation } = useServices();
  const { filters } = useAddress();
  const { tag, priority, due, sort } = filters;
  const change = (some: Partial<Filters>) => navigation.change({ filters: { ...filters, ...some } });
  const chips: [string, string, Partial<Filters>][] = [];
  if (tag) chips.push(["tag", `#${tag}`, { tag: "" }]);
  if (priority !== "any") chips.push(["priority", priority === "none" ? "No priority" : `${PRIORITIES[priority]} priority`, { priority: "any" }]);
  if (due !== "any") chips.push(["due", DUES[due], { due: "any" }]);
  if (sort) chips.push(["sort", `By ${SORTS[sort].toLowerCase()}`, { sort: undefined }]);
  return (
    <div className={styles.bar}>
      {chips.map(([key, text, without]) => (
        <span key={key} className={styles.chip}>
          {text}
          <button type="button" aria-label={`Remove filter: ${text}`} onClick={() => change(without)}>
            <X size={14} />
          </button>
        </span>
      ))}
      <Menu label="Filter and sort" icon={<ListFilter size={18} />} className={chips.length ? `${ui.icon} ${styles.set}` : ui.icon}>
        {(close) => (
          <Suspense>
            <FilterPanel close={close} />
          </Suspense>
        )}
      </Menu>
    </div>
  );
});
