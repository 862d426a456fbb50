import { addDays, weekday } from "./dates";
import type { Priority } from "./filters";

export interface QuickAdd {
  title: string;
  priority?: Priority;
  due_date?: string;
  tags: string[];
}

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/**
 * Takes `#tag`, `!high` and `@tomorrow` out of a line; each must stand alone.
 * What looks similar but means nothing here stays in the title.
 */
export function parseQuickAdd(line: string, today: string): QuickAdd {
  const found: QuickAdd = { title: "", tags: [] };
  const rest = line.split(/\s+/).filter((word) => !take(word, today, found));
  found.title = rest.join(" ").trim();
  return found;
}

function take(word: string, today: string, found: QuickAdd): boolean {
  const value = word.slice(1).toLowerCase();
  if (/^#\p{L}/u.test(word)) {
    found.tags.push(word.slice(1));
    return true;
  }
  if (/^!(low|medium|high)$/i.test(word)) {
    found.priority = value as Priority;
    return true;
  }
  const due = word.startsWith("@") ? parseDay(value, today) : undefined;
  if (due) found.due_date = due;
  return due !== undefined;
}

function parseDay(text: string, today: string): string | undefined {
  if (text === "today") return today;
  if (text === "tomorrow") return addDays(today, 1);
  const day = DAYS.findIndex((name) => text.length >= 3 && name.startsWith(text));
  // "Friday" on a Friday is the next one.
  if (day >= 0) return addDays(today, (day - weekday(today) + 6) % 7 + 1);
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  return isDay && addDays(text, 0) === text ? text : undefined;
}
