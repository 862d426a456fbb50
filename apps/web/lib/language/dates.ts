// Days as people write them: "tomorrow", "next fri", "3 March", "in two weeks", "end of the month".

import {
  addDays,
  addMonths,
  type Day,
  daysIn,
  dayOf,
  inZone,
  isDay,
  nthWeekday,
  parts,
  startOfWeek,
  weekdayAfter,
  weekdayOf,
} from "./calendar.ts";
import { describesWhatFollows, isNotDue, isOfANoun, isOfASentence, isQuantity } from "./surroundings.ts";
import type { Daypart } from "./times.ts";
import { D, END, matchAt, MONTH, monthNamed, NTH, NUMBER, numberNamed, ORDINAL, ordinalNamed, type Pattern, sticky, WEEKDAY, weekdayNamed, YEAR } from "./words.ts";

export interface Moment {
  now: Date;
  /** The user's, an IANA name. */
  zone: string;
  /** 0 is Sunday. */
  weekStart: number;
  /** Whether 3/4 is 3 April or 4 March; default the former. */
  dateOrder?: "dmy" | "mdy" | undefined;
}

export interface FoundDay {
  to: number;
  day: Day;
  /** Of "tonight" and "this morning". */
  daypart?: Daypart | undefined;
  /** Of "in 2 hours". */
  time?: string | undefined;
  /** It was said that this is when: "due", "by", "on", "@". */
  explicit: boolean;
}

type Found = Day | { day: Day; daypart?: Daypart; time?: string } | undefined;

interface Reading {
  pattern: Pattern;
  read: (groups: Record<string, string>, moment: Moment & { today: Day }) => Found;
  /** Whether it says nothing of a day in these surroundings. */
  doubtful?: (text: string, from: number, to: number, groups: Record<string, string>) => boolean;
}

const LEAD = "(?<lead>(?:(?:due|deadline)(?::\\s*|\\s+(?:(?:on|by|at|in|for)\\s+)?)|(?:by|on|for|starting|beginning|starts)\\s+(?:on\\s+)?|@\\s?)(?:the\\s+)?)?";

const explicit = (groups: Record<string, string>) => groups["lead"] !== undefined && !/^for/i.test(groups["lead"]);

function reading(source: string, read: Reading["read"], doubtful?: Reading["doubtful"]): Reading {
  return { pattern: sticky(LEAD + source + END), read, ...(doubtful && { doubtful }) };
}

/** "Sunday lunch", "the Friday report", "Friday and Saturday", "the cat sat". */
function isNoWeekday(text: string, from: number, to: number, groups: Record<string, string>): boolean {
  if (matchAt(OTHER_WEEKDAY, text, to) || BEFORE_AND.test(text.slice(Math.max(0, from - 40), from))) return true;
  if (explicit(groups) || groups["which"] || groups["week"]) return false;
  if (describesWhatFollows(text, from, to)) return true;
  if (groups["lead"]) return false;
  const isWord = /^(?:sat|sun|wed|mon)$/i.test(groups["weekday"] ?? "");
  return isOfANoun(text, from) || (isWord && isOfASentence(text, from));
}

const OTHER_WEEKDAY = sticky(`\\s*(?:,|&|and|or|/)\\s*${WEEKDAY}${END}`);
const BEFORE_AND = new RegExp(`(?:^|\\s)${WEEKDAY}\\s*(?:,|&|and|or)\\s*$`, "i");

const isDescription = (text: string, from: number, to: number, groups: Record<string, string>) =>
  !explicit(groups) && describesWhatFollows(text, from, to);

const WITH_WEEKDAY = `(?:${WEEKDAY},?\\s+(?:the\\s+)?)?`;
const OF_YEAR = `(?:,?\\s+(?<year>${YEAR}))?`;

const READINGS: Reading[] = [
  reading("(?<iso>\\d{4}-\\d\\d-\\d\\d)", ({ iso = "" }) => (isDay(iso) ? iso : undefined)),
  reading("(?:later\\s+)?today", (_, { today }) => today),
  reading("tonight", (_, { today }) => ({ day: today, daypart: "evening" })),
  reading("this\\s+(?<part>morning|afternoon|evening)", ({ part }, { today }) => ({ day: today, daypart: part as Daypart })),
  reading("(?:the\\s+)?day\\s+after\\s+tomorrow", (_, { today }) => addDays(today, 2)),
  reading("(?:tom+or+ow|tmrw?|tmw)", (_, { today }) => addDays(today, 1)),

  // Counted from now, or from another day.
  reading(
    `in\\s+(?:(?<half>half\\s+an\\s+hour)|(?<number>${NUMBER})\\s+(?<unit>min(?:ute)?s?|h(?:ou)?rs?|h))`,
    ({ half, number = "", unit = "" }, { now, zone }) => {
      const minutes = half ? 30 : numberNamed(number) * (/^m/i.test(unit) ? 1 : 60);
      const rounded = Math.ceil(now.getTime() / 60_000) + minutes;
      return inZone(new Date(rounded * 60_000), zone);
    },
  ),
  reading(`in\\s+(?<number>${NUMBER})\\s+(?<unit>days?|weeks?|wks?|fortnights?|months?|years?|yrs?)(?:['’]s?\\s+time)?`, counted),
  reading(
    `(?<number>${NUMBER})\\s+(?<unit>days?|weeks?|fortnights?|months?|years?)\\s+(?:(?:from|after)\\s+(?:now|(?<base>today|tomorrow|${WEEKDAY}))|on\\s+(?<on>${WEEKDAY}))`,
    (groups, moment) => {
      const { base = groups["on"] ?? "today" } = groups;
      const { today } = moment;
      const from = /^tod/i.test(base) ? today : /^tom/i.test(base) ? addDays(today, 1) : weekdayAfter(today, weekdayNamed(base));
      return counted(groups, { ...moment, today: from });
    },
  ),

  // Weeks, months, years.
  reading("next\\s+week", (_, { today, weekStart }) => {
    const start = addDays(startOfWeek(today, weekStart), 7);
    return weekdayOf(start) === 1 ? start : weekdayAfter(start, 1);
  }),
  reading("(?<which>this|next|at\\s+the|the)\\s+weekend", ({ which = "" }, { today }) => {
    const weekday = weekdayOf(today);
    const saturday = weekday === 0 || weekday === 6 ? today : weekdayAfter(today, 6);
    return /next/i.test(which) ? weekdayAfter(weekday === 0 ? addDays(today, -1) : saturday, 6) : saturday;
  }, (text, from, to, groups) => /^the/i.test(groups["which"] ?? "") && isDescription(text, from, to, groups)),
  reading("next\\s+month", (_, { today }) => `${addMonths(today, 1).slice(0, 7)}-01`),
  reading("next\\s+year", (_, { today }) => dayOf(parts(today).year + 1, 1, 1)),
  reading(
    `(?:at\\s+)?(?:the\\s+)?(?<edge>end|start|beginning|middle)\\s+of\\s+(?:(?:the|this|(?<next>next))\\s+)?(?<span>week|month|quarter|year|${MONTH})`,
    edgeOf,
    (text, from, to, groups) => !/^at/i.test(text.slice(from)) && isDescription(text, from, to, groups),
  ),
  reading("eo(?<span>w|m|y)", ({ span = "" }, moment) => edgeOf({ edge: "end", span }, moment)),

  // Days of a month.
  reading(
    `(?:the\\s+)?(?<nth>${ORDINAL})\\s+(?<weekday>${WEEKDAY})\\s+(?:of|in)\\s+(?:(?:the|this)\\s+month|(?<next>next\\s+month)|(?<month>${MONTH})${OF_YEAR})`,
    ({ nth = "", weekday = "", next, month, year }, { today }) => {
      const at = next ? addMonths(today, 1) : today;
      const find = (year: number) => nthWeekday(year, month ? monthNamed(month) : parts(at).month, weekdayNamed(weekday), ordinalNamed(nth));
      const first = find(year ? Number(year) : parts(at).year);
      return year || !month || (first && first >= today) ? first : find(parts(at).year + 1);
    },
  ),
  reading(`(?:the\\s+)?${WITH_WEEKDAY}(?<day>${D})\\s*(?:of\\s+)?[\\s-]?(?<month>${MONTH})${OF_YEAR}`, dated),
  reading(
    `${WITH_WEEKDAY}(?<month>${MONTH})\\s+(?:the\\s+)?(?<day>${D})${OF_YEAR}`,
    dated,
    (text, from, to, groups) =>
      isQuantity(text, to) || (/^(?:march|mar|may)$/.test(groups["month"] ?? "") && isDescription(text, from, to, groups)),
  ),
  reading(
    `${WITH_WEEKDAY}(?<one>\\d{1,2})(?<by>[/.-])(?<two>\\d{1,2})\\k<by>(?<year>${YEAR})`,
    ({ one, two, by, year }, { dateOrder }) => {
      const american = Number(two) > 12 || (by !== "." && dateOrder === "mdy" && Number(one) <= 12);
      return american ? dayOf(Number(year), Number(one), Number(two)) : dayOf(Number(year), Number(two), Number(one));
    },
  ),
  reading(
    "(?<one>\\d{1,2})(?:/(?<two>\\d{1,2})|\\.(?<month>\\d{1,2})(?<dot>\\.)?)",
    ({ one, two, month }, { today, dateOrder }) => {
      const american = two !== undefined && (Number(two) > 12 || (dateOrder === "mdy" && Number(one) <= 12));
      return american ? upcoming(Number(one), Number(two), today) : upcoming(Number(two ?? month), Number(one), today);
    },
    // "3/4 cup", "24/7", "1.5"; but "12.12." is a date.
    (_text, _from, _to, groups) => !explicit(groups) && !groups["dot"],
  ),
  reading(
    `${WITH_WEEKDAY}(?:the\\s+)?(?<day>${NTH})(?:\\s+of\\s+(?:the|this|(?<next>next))\\s+month)?`,
    ({ day = "", next }, { today }) => nextDayOfMonth(Number.parseInt(day, 10), next ? `${addMonths(today, 1).slice(0, 7)}-01` : today),
    // "the 3rd floor".
    (text, from, to, groups) => !explicit(groups) || describesWhatFollows(text, from, to),
  ),

  // Days of the week.
  reading(`(?<which>next|this|coming|this\\s+coming)\\s+(?<weekday>${WEEKDAY})`, ({ which = "", weekday = "" }, { today, weekStart }) => {
    const wanted = weekdayNamed(weekday);
    if (/^next/i.test(which)) return addDays(startOfWeek(today, weekStart), 7 + ((wanted - weekStart + 7) % 7));
    return weekdayAfter(/coming/i.test(which) ? today : addDays(today, -1), wanted);
  }, isNoWeekday),
  reading(`(?<weekday>${WEEKDAY})(?<week>\\s+week)?`, ({ weekday = "", week }, { today }) => addDays(weekdayAfter(today, weekdayNamed(weekday)), week ? 7 : 0), isNoWeekday),
  // "@fr".
  { pattern: sticky(`(?<lead>@)(?<weekday>mo|tu|we|th|fr|sa|su)${END}`), read: ({ weekday = "" }, { today }) => weekdayAfter(today, ["su", "mo", "tu", "we", "th", "fr", "sa"].indexOf(weekday.toLowerCase())) },
];

/** The day that is written exactly there; `follows`: behind another part that says when, so there is no doubt. */
export function readDay(text: string, from: number, moment: Moment, follows = false): FoundDay | undefined {
  if (isNotDue(text, from)) return undefined;
  let today: Day | undefined;
  for (const { pattern, read, doubtful } of READINGS) {
    const match = matchAt(pattern, text, from);
    if (!match) continue;
    const to = from + match[0].length;
    const groups = match.groups ?? {};
    today ??= inZone(moment.now, moment.zone).day;
    const found = read(groups, { ...moment, today });
    if (!found || (!follows && doubtful?.(text, from, to, groups))) continue;
    const one = typeof found === "string" ? { day: found } : found;
    // What is over was not meant as a date, unless it was said to be one.
    if (one.day < today && !explicit(groups)) continue;
    return { ...one, to, explicit: explicit(groups) };
  }
  return undefined;
}

function counted({ number = "", unit = "" }: Record<string, string>, { today }: { today: Day }): Day {
  const many = numberNamed(number);
  if (/^d/i.test(unit)) return addDays(today, many);
  if (/^w/i.test(unit)) return addDays(today, many * 7);
  if (/^f/i.test(unit)) return addDays(today, many * 14);
  return addMonths(today, /^m/i.test(unit) ? many : many * 12);
}

function edgeOf({ edge = "", next, span = "" }: Record<string, string>, { today, weekStart }: Moment & { today: Day }): Day | undefined {
  const ends = /^e/i.test(edge);
  const middle = /^m/i.test(edge);
  if (/^w/i.test(span)) {
    const start = addDays(startOfWeek(today, weekStart), next ? 7 : 0);
    // A week ends on Friday; at its weekend, with its last day.
    const friday = addDays(start, (5 - weekStart + 7) % 7);
    const monday = addDays(start, (1 - weekStart + 7) % 7);
    return ends ? (friday < today ? addDays(start, 6) : friday) : middle ? addDays(monday, 2) : monday;
  }
  const now = parts(today);
  let first: Day | undefined;
  let months = 1;
  if (/^y/i.test(span)) [first, months] = [dayOf(now.year + (next ? 1 : 0), 1, 1), 12];
  else if (/^q/i.test(span)) [first, months] = [addMonths(dayOf(now.year, now.month - ((now.month - 1) % 3), 1) ?? today, next ? 3 : 0), 3];
  else if (/^m(?:onth)?$/i.test(span)) first = `${addMonths(today, next ? 1 : 0).slice(0, 7)}-01`;
  else {
    const month = monthNamed(span);
    const { year } = now;
    const last = dayOf(year, month, daysIn(year, month)) ?? today;
    first = dayOf(last < today ? year + 1 : year, month, 1);
  }
  if (!first) return undefined;
  if (ends) return addDays(addMonths(first, months), -1);
  return middle ? (months === 1 ? addDays(first, 14) : addMonths(first, months / 2)) : first;
}

function dated({ day = "", month = "", year }: Record<string, string>, { today }: { today: Day }): Day | undefined {
  const [date, at] = [Number.parseInt(day, 10), monthNamed(month)];
  return year ? dayOf(Number(year), at, date) : upcoming(at, date, today);
}

/** In this year, or in the next one that has it. */
function upcoming(month: number, day: number, today: Day): Day | undefined {
  const { year } = parts(today);
  const all = Array.from({ length: 9 }, (_, at) => dayOf(year + at, month, day));
  return all.find((one) => one !== undefined && one >= today);
}

function nextDayOfMonth(day: number, from: Day): Day | undefined {
  const all = Array.from({ length: 13 }, (_, at) => addMonths(`${from.slice(0, 7)}-01`, at));
  return all.map((first) => dayOf(parts(first).year, parts(first).month, day)).find((one) => one !== undefined && one >= from);
}
