import { useAddress } from "@/hooks/use-address";
import { useSnapshot } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { useZone } from "@/hooks/use-view";
import { dayName, dueIn, monthName, monthOf } from "@/lib/dates";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { monthGrid, sorted } from "@/lib/views";
import styles from "./calendar.module.css";
import { PlaceLink } from "./place-link";

/** How many tasks a day has room for. */
const SHOWN = 3;

/** A month of Upcoming. */
export function Calendar() {
  const { settings, navigation } = useServices();
  const address = useAddress();
  const { tasks, listById } = useSnapshot();
  const today = useToday();
  const zone = useZone();
  const { weekStart } = useStore(settings);
  const month = monthOf(address.from ?? today);
  const weeks = monthGrid(month, weekStart);
  const byDay = new Map<string, typeof tasks[number][]>();
  for (const task of sorted(tasks.filter((one) => !one.completed && one.due_date && !listById.get(one.list_id ?? "")?.archived), "due_date", { zone })) {
    const day = dueIn(task, zone)?.day ?? "";
    byDay.set(day, [...(byDay.get(day) ?? []), task]);
  }
  return (
    <table className={styles.month}>
      <thead>
        <tr>
          {weeks[0]?.map((day) => (
            <th key={day} scope="col">
              <span className="visually-hidden">{dayName(day, "long")}</span>
              <span aria-hidden="true">{dayName(day, "short")}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks.map((week) => (
          <tr key={week[0]}>
            {week.map((day) => {
              const due = byDay.get(day) ?? [];
              return (
                <td key={day} data-drop-day={day} data-outside={monthOf(day) !== month} data-today={day === today}>
                  <PlaceLink
                    to={{ ...address, view: "week", from: day === today ? null : day }}
                    className={styles.day}
                    aria-current={day === today ? "date" : undefined}
                  >
                    <span className="visually-hidden">{dayName(day, "long")} </span>
                    {Number(day.slice(8))}
                    <span className="visually-hidden">
                      {" "}
                      {monthName(day)}: {due.length === 1 ? "1 task" : `${due.length} tasks`}
                    </span>
                    {due.length > 0 && <span className={styles.dots} aria-hidden="true">{due.length}</span>}
                  </PlaceLink>
                  <ul>
                    {due.slice(0, SHOWN).map((task) => (
                      <li key={task.id}>
                        <button type="button" data-priority={task.priority} onClick={() => navigation.openTask(task.id)}>
                          {task.title}
                        </button>
                      </li>
                    ))}
                  </ul>
                  {due.length > SHOWN && <p className={styles.more}>{due.length - SHOWN} more</p>}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
