// Due dates are calendar days, "YYYY-MM-DD", without a time zone. Only today
// depends on where the user is.

const DAY = 24 * 60 * 60 * 1000;

export function today(): string {
  const now = new Date();
  return format(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
}

export function addDays(day: string, days: number): string {
  return format(Date.parse(day) + days * DAY);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY);
}

export function weekday(day: string): number {
  return new Date(Date.parse(day)).getUTCDay();
}

function format(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

export type DueTone = "overdue" | "today" | "soon" | "later";

/** "Today", "Tomorrow", "Overdue 2 days", "Wednesday", "4 Dec", "4 Dec 2027". */
export function describeDue(due: string, now: string): { text: string; tone: DueTone } {
  const days = daysBetween(now, due);
  if (days < 0) return { text: `Overdue ${-days} ${days === -1 ? "day" : "days"}`, tone: "overdue" };
  if (days === 0) return { text: "Today", tone: "today" };
  if (days === 1) return { text: "Tomorrow", tone: "soon" };
  if (days < 7) return { text: named(due, { weekday: "long" }), tone: "soon" };
  const year = due.slice(0, 4) === now.slice(0, 4) ? undefined : "numeric";
  return { text: named(due, { day: "numeric", month: "short", year }), tone: "later" };
}

export function longDay(day: string): string {
  return named(day, { weekday: "long", day: "numeric", month: "long" });
}

export function fullDate(day: string): string {
  return named(day, { weekday: "short", day: "numeric", month: "long", year: "numeric" });
}

function named(day: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(Date.parse(day));
}

/** The heading under which a task stands in a list by due date. */
export function dueGroup(due: string | null, now: string): string {
  if (!due) return "No date";
  const days = daysBetween(now, due);
  if (days < 0) return "Overdue";
  if (days === 0) return "Today";
  if (days === 1) return "Tomorrow";
  return days < 7 ? "Next 7 days" : "Later";
}
