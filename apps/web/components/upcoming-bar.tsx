import { ChevronLeft, ChevronRight } from "lucide-react";
import { useAddress } from "@/hooks/use-address";
import { useToday } from "@/hooks/use-today";
import { addDays, addMonths, monthName, monthOf } from "@/lib/dates";
import { useServices } from "@/lib/services";
import ui from "./ui.module.css";
import styles from "./upcoming-bar.module.css";

/** Week or month, and which. */
export function UpcomingBar() {
  const { navigation } = useServices();
  const { view, from } = useAddress();
  const today = useToday();
  const first = from ?? today;
  const month = view === "month";
  const go = (to: string) => navigation.change({ from: to === today || (month && monthOf(to) === monthOf(today)) ? null : to });
  const step = (by: 1 | -1) => go(month ? addMonths(monthOf(first), by) : addDays(first, by * 7));
  const unit = month ? "month" : "week";
  return (
    <div className={styles.bar}>
      {month && <p className={styles.month}>{monthName(first)}</p>}
      <button type="button" className={ui.icon} aria-label={`Previous ${unit}`} title={`Previous ${unit}`} onClick={() => step(-1)}>
        <ChevronLeft size={18} />
      </button>
      <button type="button" className={ui.button} disabled={from === null} onClick={() => go(today)}>
        {month ? "This month" : "This week"}
      </button>
      <button type="button" className={ui.icon} aria-label={`Next ${unit}`} title={`Next ${unit}`} onClick={() => step(1)}>
        <ChevronRight size={18} />
      </button>
      <fieldset className={styles.views}>
        <legend className="visually-hidden">View</legend>
        {(["week", "month"] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="view" checked={view === one} onChange={() => navigation.change({ view: one, from: null })} />
            {one === "week" ? "Week" : "Month"}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
