import { CalendarCheck, CheckCheck, Inbox, Layers, ListTodo, SearchX, Sun, Trash2 } from "lucide-react";
import { useAddress } from "@/hooks/use-address";
import { useSnapshot } from "@/hooks/use-rows";
import { useToday } from "@/hooks/use-today";
import { at, NO_FILTERS } from "@/lib/places";
import { useServices } from "@/lib/services";
import styles from "./empty.module.css";
import { PlaceLink } from "./place-link";
import ui from "./ui.module.css";

const TEXTS = {
  today: [Sun, "Nothing due today", "Tasks that are due today or overdue show up here."],
  inbox: [Inbox, "Your inbox is empty", "New tasks land here until you move them to a list."],
  upcoming: [CalendarCheck, "Nothing coming up", "Tasks with a due date show up here."],
  all: [Layers, "Nothing to do", "Add your first task above."],
  done: [CheckCheck, "Nothing done yet", "Completed tasks are kept here, most recent first."],
  trash: [Trash2, "The trash is empty", "Deleted tasks stay here for 30 days."],
  list: [ListTodo, "This list is empty", "Add a task above, or drag one here from another list."],
  settings: [ListTodo, "", ""],
  filtered: [SearchX, "Nothing found", "No tasks match your search and filters."],
  gone: [SearchX, "This list doesn’t exist", "It may have been deleted. Look for it in the trash."],
} as const;

/** Where somebody looks who has just come. */
const STARTS: (keyof typeof TEXTS)[] = ["today", "inbox", "upcoming", "all"];

/** Says why nothing is there; a new user is offered something to look at. */
export function Empty({ kind }: { kind: keyof typeof TEXTS }) {
  const { navigation, actions } = useServices();
  const { tasks, lists, trash, complete } = useSnapshot();
  const today = useToday();
  const isNew = complete && STARTS.includes(kind) && tasks.length + lists.length + trash.length === 0;
  const { filters } = useAddress();
  const [Icon, title, text] = TEXTS[kind];
  return (
    <div className={styles.empty}>
      <Icon size={34} strokeWidth={1.5} aria-hidden="true" />
      {kind === "gone" ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{text}</p>
      {isNew && (
        <button type="button" className={ui.button} onClick={() => void import("@/lib/samples").then(({ samples }) => actions.addSamples(samples(today)))}>
          Add sample tasks
        </button>
      )}
      {kind === "filtered" && (
        <button type="button" className={ui.button} onClick={() => navigation.change({ filters: { ...NO_FILTERS, sort: filters.sort } })}>
          Clear search and filters
        </button>
      )}
      {kind === "gone" && (
        <PlaceLink to={at({ kind: "trash" })} className={ui.button}>
          Open the trash
        </PlaceLink>
      )}
    </div>
  );
}
