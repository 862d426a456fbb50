// Rules of RFC 5545 as the server takes them (docs/API.md, Recurrence), and their dates.

import { addDays, addMonths, daysIn, type Day, dayOf, daysBetween, parts, startOfWeek, weekdayOf } from "./calendar.ts";

export type Frequency = "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY";

export interface RuleDay {
  /** 0 is Sunday. */
  weekday: number;
  /** The first, second … of a month or year; -1 is the last. */
  nth?: number;
}

export interface Rule {
  freq: Frequency;
  interval: number;
  days: RuleDay[];
  monthDays: number[];
  months: number[];
  positions: number[];
  count?: number;
  until?: Day;
  /** 0 is Sunday; the standard's default is Monday. */
  weekStart: number;
  /** Dates that a month lacks are left out instead of being its last day. */
  omit: boolean;
}

const CODES = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
/** For what a calendar repeats after; no rule that the server takes waits longer for its next date. */
const PATIENCE = 800;

export function ruleOf(freq: Frequency, rest: Partial<Rule> = {}): Rule {
  return { freq, interval: 1, days: [], monthDays: [], months: [], positions: [], weekStart: 1, omit: false, ...rest };
}

/** Undefined for what is no rule, or one with parts that are not known here. */
export function readRule(text: string): Rule | undefined {
  const rule = ruleOf("DAILY");
  let found = false;
  for (const part of text.split(";")) {
    const [name, value = ""] = part.split("=");
    const numbers = value.split(",").map(Number);
    const valid = numbers.every((one) => Number.isInteger(one) && one !== 0);
    if (name === "FREQ" && /^(DAILY|WEEKLY|MONTHLY|YEARLY)$/.test(value)) {
      rule.freq = value as Frequency;
      found = true;
    } else if (name === "INTERVAL" && valid) rule.interval = numbers[0] ?? 1;
    else if (name === "COUNT" && valid) rule.count = numbers[0];
    else if (name === "BYMONTHDAY" && valid) rule.monthDays = numbers;
    else if (name === "BYMONTH" && valid) rule.months = numbers;
    else if (name === "BYSETPOS" && valid) rule.positions = numbers;
    else if (name === "UNTIL" && /^\d{8}/.test(value)) rule.until = value.replace(/^(....)(..)(..).*/, "$1-$2-$3");
    else if (name === "WKST" && CODES.includes(value)) rule.weekStart = CODES.indexOf(value);
    else if (name === "SKIP" && /^(OMIT|BACKWARD)$/.test(value)) rule.omit = value === "OMIT";
    else if (name === "BYDAY") {
      const days = value.split(",").map((one) => /^([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)$/.exec(one));
      if (!days.every((one) => one !== null)) return undefined;
      rule.days = days.map(([, nth, code = ""]) => ({ weekday: CODES.indexOf(code), ...(nth && { nth: Number(nth) }) }));
    } else return undefined;
  }
  return found ? rule : undefined;
}

export function writeRule(rule: Rule): string {
  const { freq, interval, days, monthDays, months, positions, count, until, weekStart, omit } = rule;
  const all = [`FREQ=${freq}`];
  if (interval !== 1) all.push(`INTERVAL=${interval}`);
  if (months.length) all.push(`BYMONTH=${months.join()}`);
  if (monthDays.length) all.push(`BYMONTHDAY=${monthDays.join()}`);
  if (days.length) all.push(`BYDAY=${days.map(({ nth, weekday }) => `${nth ?? ""}${CODES[weekday]}`).join()}`);
  if (positions.length) all.push(`BYSETPOS=${positions.join()}`);
  if (weekStart !== 1) all.push(`WKST=${CODES[weekStart]}`);
  if (omit) all.push("SKIP=OMIT");
  if (count !== undefined) all.push(`COUNT=${count}`);
  if (until) all.push(`UNTIL=${until.replaceAll("-", "")}`);
  return all.join(";");
}

/** The first dates of a series that begins on `anchor`, those before `from` left out. */
export function dates(rule: Rule, anchor: Day, from: Day, many: number): Day[] {
  const found: Day[] = [];
  let counted = 0;
  let empty = 0;
  for (let period = 0; found.length < many && empty < PATIENCE; period += rule.interval) {
    const all = inPeriod(rule, anchor, period).filter((day) => day >= anchor);
    empty = all.length ? 0 : empty + 1;
    for (const day of all) {
      counted += 1;
      const over = (rule.until !== undefined && day > rule.until) || (rule.count !== undefined && counted > rule.count);
      if (over || day >= "9999-12-31") return found;
      if (day >= from && found.length < many) found.push(day);
    }
  }
  return found;
}

/** The first day from `from` on that the rule allows, whatever its interval: where a new series begins. */
export function firstDate(rule: Rule, from: Day): Day | undefined {
  return dates({ ...rule, interval: 1, count: undefined }, from, from, 1)[0];
}

/** The dates in the period that is so many after the anchor's, in order. */
function inPeriod(rule: Rule, anchor: Day, period: number): Day[] {
  const { freq, weekStart } = rule;
  const { year, month } = parts(anchor);
  let all: Day[];
  if (freq === "DAILY") all = fits(rule, addDays(anchor, period)) ? [addDays(anchor, period)] : [];
  else if (freq === "WEEKLY") {
    const start = startOfWeek(addDays(anchor, period * 7), weekStart);
    const days = rule.days.length ? rule.days : [{ weekday: weekdayOf(anchor) }];
    const week = Array.from({ length: 7 }, (_, at) => addDays(start, at));
    all = week.filter((day) => fits({ ...rule, days }, day));
  } else if (freq === "MONTHLY") {
    const first = addMonths(`${anchor.slice(0, 7)}-01`, period);
    const at = parts(first);
    const allowed = !rule.months.length || rule.months.includes(at.month);
    all = allowed ? inMonth(rule, at.year, at.month, parts(anchor).day) : [];
  } else if (year + period > 9999) return [];
  else all = inYear(rule, year + period, month, parts(anchor).day);
  const sorted = [...new Set(all)].sort();
  if (!rule.positions.length) return sorted;
  return sorted.filter((_, at) => rule.positions.includes(at + 1) || rule.positions.includes(at - sorted.length));
}

function inYear(rule: Rule, year: number, anchorMonth: number, anchorDay: number): Day[] {
  const wholeYear = !rule.months.length && rule.days.length > 0 && !rule.monthDays.length;
  if (wholeYear) {
    const days = Array.from({ length: 12 }, (_, at) => monthOf(year, at + 1)).flat();
    return days.filter((day) => rule.days.some((one) => isNth(one, day, days)));
  }
  const every = rule.monthDays.length > 0 || rule.days.length > 0;
  const months = rule.months.length ? rule.months : every ? Array.from({ length: 12 }, (_, at) => at + 1) : [anchorMonth];
  return months.flatMap((month) => inMonth(rule, year, month, anchorDay));
}

function inMonth(rule: Rule, year: number, month: number, anchorDay: number): Day[] {
  const days = monthOf(year, month);
  const wanted = rule.monthDays.length || rule.days.length ? rule.monthDays : [anchorDay];
  if (!wanted.length) return days.filter((day) => rule.days.some((one) => isNth(one, day, days)));
  const last = daysIn(year, month);
  const numbers = wanted.map((one) => (one < 0 ? last + 1 + one : rule.omit ? one : Math.min(one, last)));
  const found = numbers.flatMap((one) => dayOf(year, month, one) ?? []);
  return rule.days.length ? found.filter((day) => rule.days.some((one) => isNth(one, day, days))) : found;
}

/** Whether the day is the nth such weekday of these days, or any where it has no number. */
function isNth({ weekday, nth }: RuleDay, day: Day, days: Day[]): boolean {
  if (weekdayOf(day) !== weekday) return false;
  if (nth === undefined) return true;
  const before = Math.floor(daysBetween(days[0] ?? day, day) / 7) + 1;
  const after = -Math.floor(daysBetween(day, days.at(-1) ?? day) / 7) - 1;
  return nth === before || nth === after;
}

function fits({ days, monthDays, months }: Rule, day: Day): boolean {
  const at = parts(day);
  const last = daysIn(at.year, at.month);
  const fitsMonthDay = (one: number) => at.day === (one < 0 ? last + 1 + one : Math.min(one, last));
  return (
    (!days.length || days.some(({ weekday }) => weekday === weekdayOf(day))) &&
    (!months.length || months.includes(at.month)) &&
    (!monthDays.length || monthDays.some(fitsMonthDay))
  );
}

function monthOf(year: number, month: number): Day[] {
  return Array.from({ length: daysIn(year, month) }, (_, at) => dayOf(year, month, at + 1) ?? "");
}
