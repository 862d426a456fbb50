import { useId, useMemo, useState } from "react";
import { useToday } from "@/hooks/use-today";
import { fullDate } from "@/lib/dates";
import { parts, weekdayOf } from "@/lib/language/calendar";
import { fromWords, inWords, type Recurrence } from "@/lib/language/repetition";
import { dates, firstDate, readRule } from "@/lib/language/rule";
import { WEEKDAY_NAMES } from "@/lib/language/words";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import styles from "./repetition-picker.module.css";
import ui from "./ui.module.css";

interface Props {
  value: Recurrence | null;
  /** The due date of the task; without one it repeats from today. */
  due: string | null;
  /** Of the choice of rules. */
  className?: string | undefined;
  /** `due`: the first date, where the task has none that the rule allows. */
  onChange: (recurrence: Recurrence | null, due: string | undefined) => void;
}

const NEVER = "never";
const OWN = "own";

/** How a task repeats: common rules, or one's own in words; shows the next three dates. */
export function RepetitionPicker({ value, due, className = ui.input, onChange }: Props) {
  const { settings } = useServices();
  const { weekStart } = useStore(settings);
  const today = useToday();
  const id = useId();
  const day = due ?? today;
  const choices = useMemo(() => choicesOf(day), [day]);
  const isCommon = value !== null && choices.some(({ rule }) => rule === value.rule);
  const [own, setOwn] = useState(value && !isCommon ? inWords({ ...value, from: "due" }) : "");
  const [asking, setAsking] = useState(value !== null && !isCommon);
  const understood = own.trim() ? fromWords(own, weekStart) : undefined;
  const from = value?.from ?? "due";

  function choose(choice: string) {
    setAsking(choice === OWN);
    if (choice === NEVER) onChange(null, undefined);
    else if (choice !== OWN) apply({ rule: choice, from });
  }

  function apply(recurrence: Recurrence) {
    const rule = readRule(recurrence.rule);
    const first = rule && firstDate(rule, day);
    onChange(recurrence, first !== due ? first : undefined);
  }

  function type(text: string) {
    setOwn(text);
    const found = fromWords(text, weekStart);
    if (found) apply({ rule: found.rule, from: found.from === "completion" ? "completion" : from });
  }

  return (
    <fieldset className={styles.picker}>
      <legend className="visually-hidden">Repeat</legend>
      <label className="visually-hidden" htmlFor={`${id}-rule`}>
        Repeat
      </label>
      <select id={`${id}-rule`} className={className} value={asking ? OWN : (value?.rule ?? NEVER)} onChange={(event) => choose(event.target.value)}>
        <option value={NEVER}>Never</option>
        {choices.map(({ rule, words }) => (
          <option key={rule} value={rule}>
            {words}
          </option>
        ))}
        <option value={OWN}>Something else…</option>
      </select>
      {asking && (
        <div className={styles.own}>
          <label className="visually-hidden" htmlFor={`${id}-own`}>
            Repeat in words
          </label>
          <input
            id={`${id}-own`}
            className={ui.input}
            placeholder="every last Friday"
            autoComplete="off"
            value={own}
            aria-invalid={own.trim() !== "" && !understood ? true : undefined}
            aria-describedby={`${id}-hint`}
            onChange={(event) => type(event.target.value)}
          />
          <p id={`${id}-hint`} className={styles.hint} role="status">
            {own.trim() && !understood
              ? "That isn’t a repetition yet. Try “every other Tuesday” or “every month on the 15th”."
              : understood
                ? capital(inWords(understood))
                : "For example: every last Friday, every 3 days, every year on 3 March."}
          </p>
        </div>
      )}
      {value && (
        <>
          <label className={styles.check}>
            <input
              type="checkbox"
              checked={from === "completion"}
              onChange={(event) => onChange({ ...value, from: event.target.checked ? "completion" : "due" }, undefined)}
            />
            Count from the day it’s done
          </label>
          <Next value={value} day={day} />
        </>
      )}
    </fieldset>
  );
}

function Next({ value, day }: { value: Recurrence; day: string }) {
  const id = useId();
  const rule = readRule(value.rule);
  const next = rule ? dates(rule, day, day, 3) : [];
  if (!rule) return <p className={styles.hint}>This rule comes from another app. It stays as it is.</p>;
  if (next.length === 0) return <p className={styles.hint}>There is no such date.</p>;
  return (
    <div className={styles.next}>
      <p id={id}>{value.from === "completion" ? "If completed on time:" : "Next dates:"}</p>
      <ol aria-labelledby={id}>
        {next.map((one) => (
          <li key={one}>
            <time dateTime={one}>{fullDate(one)}</time>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The rules that people look for first, for a task that is due on that day. */
function choicesOf(day: string): { rule: string; words: string }[] {
  const { month, day: date } = parts(day);
  const weekday = weekdayOf(day);
  const code = WEEKDAY_NAMES[weekday]?.slice(0, 2).toUpperCase() ?? "MO";
  const nth = Math.ceil(date / 7);
  const rules = [
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    `FREQ=WEEKLY;BYDAY=${code}`,
    `FREQ=WEEKLY;INTERVAL=2;BYDAY=${code}`,
    `FREQ=MONTHLY;BYMONTHDAY=${date}`,
    `FREQ=MONTHLY;BYDAY=${nth > 4 ? -1 : nth}${code}`,
    `FREQ=YEARLY;BYMONTH=${month};BYMONTHDAY=${date}`,
  ];
  return rules.map((rule) => ({ rule, words: capital(inWords(rule)) }));
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

