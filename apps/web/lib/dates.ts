// Due dates are calendar days, "YYYY-MM-DD", without a time zone. Only today
// depends on where the user is.

const DAY = 24 * 60 * 60 * 1000;

/** The current day in a time zone. */
export function todayIn(zone: string, now = new Date()): string {
  // Swedes write days as ISO 8601 does.
  return formatOf("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now);
}

/** The current day by the clock of this device; without `Intl`, which takes long for the first time. */
export function todayHere(now = new Date()): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

export function addDays(day: string, days: number): string {
  return format(Date.parse(day) + days * DAY);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY);
}

function weekday(day: string): number {
  return new Date(Date.parse(day)).getUTCDay();
}

function format(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

type DueTone = "overdue" | "today" | "soon" | "later";

/** "Today", "Tomorrow", "Yesterday", "2 days ago", "Wednesday", "4 Dec", "4 Dec 2027". */
export function describeDue(due: string, now: string): { text: string; tone: DueTone } {
  const days = daysBetween(now, due);
  if (days < 0) return { text: days === -1 ? "Yesterday" : `${-days} days ago`, tone: "overdue" };
  if (days === 0) return { text: "Today", tone: "today" };
  if (days === 1) return { text: "Tomorrow", tone: "soon" };
  if (days < 7) return { text: named(due, { weekday: "long" }), tone: "soon" };
  return { text: describeShort(due, now), tone: "later" };
}

/** "today", "yesterday", "on 4 Dec", "on 4 Dec 2027". */
export function describePast(day: string, now: string): string {
  const days = daysBetween(day, now);
  if (days <= 0) return "today";
  return days === 1 ? "yesterday" : `on ${describeShort(day, now)}`;
}

function describeShort(day: string, now: string): string {
  return named(day, { day: "numeric", month: "short", year: day.slice(0, 4) === now.slice(0, 4) ? undefined : "numeric" });
}

export function longDay(day: string): string {
  return named(day, { weekday: "long", day: "numeric", month: "long" });
}

export function fullDate(day: string): string {
  return named(day, { weekday: "short", day: "numeric", month: "long", year: "numeric" });
}

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/**
 * As `Intl` of British English says it, in server and browser alike, whose releases may differ. Not by `Intl` itself,
 * which takes long for the first time: the first look at the page needs this.
 */
function named(day: string, { weekday, day: date, month, year }: Intl.DateTimeFormatOptions): string {
  const then = new Date(Date.parse(day));
  const long = WEEKDAYS[then.getUTCDay()] ?? "";
  const name = MONTHS[then.getUTCMonth()] ?? "";
  const words = [
    weekday === "short" ? long.slice(0, 3) + (date ? "," : "") : weekday && long,
    date && String(then.getUTCDate()),
    month === "short" ? name.slice(0, name === "September" ? 4 : 3) : month && name,
    year && String(then.getUTCFullYear()),
  ];
  return words.filter(Boolean).join(" ");
}

interface Due {
  /** `YYYY-MM-DD`. */
  day: string;
  /** `HH:MM`; null: some time that day. */
  time: string | null;
}

interface HasDue {
  due_date: string | null;
  due_time: string | null;
  time_zone: string | null;
  due_at: string | null;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Made once: to make one takes longer than all that is done with it. */
function formatOf(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(locale, options)));
  return format;
}

/** When a task is due, by the clock of `zone`. */
export function dueIn({ due_date, due_time, time_zone, due_at }: HasDue, zone: string): Due | null {
  if (due_date === null) return null;
  // Without a zone it is wherever the user is.
  if (due_time === null || time_zone === null || time_zone === zone || due_at === null) return { day: due_date, time: due_time };
  const format = formatOf("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const [day = due_date, time = due_time] = format.format(new Date(due_at)).split(" ");
  return { day, time };
}

/** The first day of the month that has this day. */
export function monthOf(day: string): string {
  return `${day.slice(0, 7)}-01`;
}

export function addMonths(day: string, months: number): string {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

/** The last day up to this one on which a week starts. */
export function weekOf(day: string, weekStart: number): string {
  return addDays(day, -((weekday(day) - weekStart + 7) % 7));
}

export function monthName(day: string): string {
  return named(day, { month: "long", year: "numeric" });
}

export function dayName(day: string, width: "long" | "short"): string {
  return named(day, { weekday: width });
}

/** The day of an instant, in a time zone. */
export function dayIn(instant: string, zone: string): string {
  return todayIn(zone, new Date(instant));
}

export function timeIn(instant: string, zone: string): string {
  return formatOf("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}
