// Calendar days are texts, "YYYY-MM-DD", and months count from 1. Nothing here depends on the zone of the machine.

export type Day = string;

/** 0 is Sunday. */
export type Weekday = 0 | 1 | 2 | 3 | 4 | 5 | 6;

const DAY = 24 * 60 * 60 * 1000;
const LAST = "9999-12-31";

/** The day, or undefined where the calendar has none, such as 31 April. */
export function dayOf(year: number, month: number, day: number): Day | undefined {
  if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  return text(Date.UTC(year, month - 1, day));
}

export function parts(day: Day): { year: number; month: number; day: number } {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  return { year, month, day: date };
}

/** Whether it is written as a day, and is one. */
export function isDay(given: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(given)) return false;
  const { year, month, day } = parts(given);
  return dayOf(year, month, day) === given;
}

export function addDays(day: Day, days: number): Day {
  return text(Date.parse(day) + days * DAY);
}

/** A day that the month lacks is its last one. */
export function addMonths(day: Day, months: number): Day {
  const from = parts(day);
  const index = from.year * 12 + from.month - 1 + months;
  const [year, month] = [Math.floor(index / 12), (index % 12) + 1];
  return text(Date.UTC(year, month - 1, Math.min(from.day, daysIn(year, month))));
}

export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY);
}

export function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

export function weekdayOf(day: Day): Weekday {
  return new Date(Date.parse(day)).getUTCDay() as Weekday;
}

/** The first such weekday after the day. */
export function weekdayAfter(day: Day, weekday: number): Day {
  return addDays(day, ((weekday - weekdayOf(day) + 6) % 7) + 1);
}

export function startOfWeek(day: Day, weekStart: number): Day {
  return addDays(day, -((weekdayOf(day) - weekStart + 7) % 7));
}

/** The first, second … such weekday of a month; -1 is the last. Undefined if the month has no fifth one. */
export function nthWeekday(year: number, month: number, weekday: number, nth: number): Day | undefined {
  const first = dayOf(year, month, 1);
  if (!first) return undefined;
  const offset = (weekday - weekdayOf(first) + 7) % 7;
  const many = Math.ceil((daysIn(year, month) - offset) / 7);
  const at = nth < 0 ? many + nth : nth - 1;
  return at >= 0 && at < many ? addDays(first, offset + at * 7) : undefined;
}

// They take longer to make than to use.
const formats = new Map<string, Intl.DateTimeFormat>();

/** Day and time, "HH:MM", at that instant in that zone. */
export function inZone(instant: Date, zone: string): { day: Day; time: string } {
  let format = formats.get(zone);
  if (!format) {
    const [numeric, two] = ["numeric", "2-digit"] as const;
    format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: numeric, month: two, day: two, hour: two, minute: two, hourCycle: "h23" });
    formats.set(zone, format);
  }
  const found = format.formatToParts(instant);
  const one = (type: string) => found.find((part) => part.type === type)?.value ?? "";
  return { day: `${one("year")}-${one("month")}-${one("day")}`, time: `${one("hour")}:${one("minute")}` };
}

function text(time: number): Day {
  const day = new Date(time).toISOString();
  // Beyond it the year has a sign and six digits.
  return /^\d{4}-/.test(day) ? day.slice(0, 10) : LAST;
}
