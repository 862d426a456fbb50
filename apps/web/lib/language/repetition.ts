// Repetition as people write it: "every last Friday", "every other tuesday", "monthly on the 15th"; and rules in words.

import { parts } from "./calendar.ts";
import { readRule, type Rule, type RuleDay, ruleOf, writeRule } from "./rule.ts";
import { describesWhatFollows, isNotDue, isOfANoun } from "./surroundings.ts";
import type { Daypart } from "./times.ts";
import {
  D,
  END,
  listed,
  matchAt,
  MONTH,
  MONTH_NAMES,
  monthNamed,
  NTH,
  numberNamed,
  ORDINAL,
  ordinal,
  ordinalNamed,
  type Pattern,
  sticky,
  WEEKDAY,
  WEEKDAY_NAMES,
  weekdayNamed,
} from "./words.ts";

export interface FoundRepetition {
  to: number;
  rule: Rule;
  /** It goes on from the day on which it was done. */
  fromCompletion: boolean;
  daypart?: Daypart | undefined;
}

export interface Recurrence {
  rule: string;
  from: "due" | "completion";
}

type Groups = Record<string, string | undefined>;

const AND = "\\s*(?:,\\s*and\\s+|,|&|\\+|/|(?<=\\s)and(?=\\s))\\s*";
const DAYS = `${WEEKDAY.replace("\\.?", "")}s?\\.?`;
const DAY_LIST = `(?<days>${DAYS}\\s*[-–]\\s*${DAYS}|${DAYS}(?:${AND}(?:every\\s+)?${DAYS})*)`;
const NTH_LIST = `(?<nths>(?:the\\s+)?(?:${NTH}|last\\s+day|first\\s+day)(?:${AND}(?:the\\s+)?(?:${NTH}|last\\s+day))*)`;
const ORDINAL_LIST = `(?<ordinals>${ORDINAL}(?:${AND}(?:the\\s+)?${ORDINAL})*)`;
const WORKDAY = "(?:week\\s?days?|work(?:ing)?\\s?days?|business\\s+days?)";
const OF_MONTH = "(?:\\s+(?:of|in)\\s+(?:the|each|every|a)\\s+month)?";
const MONTH_LIST = `(?<months>${MONTH}(?:${AND}${MONTH})*)`;
const COUNTED = "(?<number>\\d{1,3}|other|second|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:nd|rd|th)?";
const UNIT = "(?<unit>days?|weeks?|wks?|fortnights?|months?|quarters?|half\\s+years?|years?|yrs?)";

const on = (source: string) => `(?:\\s+(?:on\\s+)?(?:the\\s+)?(?:${source}))?`;
/** Where in the week, month or year: "on Monday and Thursday", "on the 15th", "on the last Friday", "on 3 March". */
const WHERE =
  on(
    [
      `(?<whereOrdinals>${ORDINAL}(?:${AND}(?:the\\s+)?${ORDINAL})*)\\s+(?:(?<whereDay>${WEEKDAY})|(?<whereWork>${WORKDAY}))(?:\\s+(?:of|in)\\s+(?<whereMonthOf>${MONTH}))?`,
      NTH_LIST.replace("<nths>", "<whereNths>"),
      DAY_LIST.replace("<days>", "<whereDays>"),
      `(?<whereDate>${D})\\s+(?:of\\s+)?(?<whereMonth>${MONTH})`,
      `(?<whereMonth2>${MONTH})\\s+(?:the\\s+)?(?<whereDate2>${D})`,
    ].join("|"),
  ) + OF_MONTH;

const EVERY = "(?:every|each)(?<bang>!)?\\s+";

interface Reading {
  pattern: Pattern;
  read: (groups: Groups, weekStart: number) => Rule | undefined;
  /** It also stands before a noun: "weekly report", "Mondays". */
  adverb?: boolean;
}

const READINGS: Reading[] = [
  // "every last Friday", "every first and third monday of the month", "every first workday", "every last Friday of March"
  {
    pattern: sticky(
      `${EVERY}${ORDINAL_LIST}\\s+(?:(?<day>${WEEKDAY})|(?<work>${WORKDAY}))(?:${OF_MONTH.slice(0, -1)}|\\s+(?:of|in)\\s+${MONTH_LIST})?${END}`,
    ),
    read: ({ ordinals = "", day, work, months }) => nthDays(ordinals, day, work, months),
  },
  // "on the last Friday of every month", "the 25th of each month"
  {
    pattern: sticky(`(?:on\\s+)?(?:the\\s+)?${ORDINAL_LIST}\\s+(?:(?<day>${WEEKDAY})|(?<work>${WORKDAY}))\\s+of\\s+(?:every|each)\\s+month${END}`),
    read: ({ ordinals = "", day, work }) => nthDays(ordinals, day, work),
  },
  {
    pattern: sticky(`(?:on\\s+)?${NTH_LIST}\\s+of\\s+(?:every|each)\\s+month${END}`),
    read: ({ nths = "" }) => ruleOf("MONTHLY", { monthDays: monthDaysOf(nths) }),
  },
  // "every 2 weeks on Monday", "every other month on the 15th", "every year on 3 March"
  {
    pattern: sticky(`${EVERY}(?:${COUNTED}\\s+)?${UNIT}${WHERE}${END}`),
    read: (groups, weekStart) => counted(groups["number"] ? numberOf(groups["number"]) : 1, groups["unit"] ?? "", groups, weekStart),
  },
  {
    pattern: sticky(`once\\s+(?:every|an?|per)\\s+${UNIT}${WHERE}${END}`),
    read: (groups, weekStart) => counted(1, groups["unit"] ?? "", groups, weekStart),
  },
  // "every other tuesday", "every 3 Fridays"
  {
    pattern: sticky(`${EVERY}(?<number>other|\\d{1,2}(?=\\s))\\s+${DAY_LIST}${END}`),
    read: ({ number = "", days = "" }, weekStart) => weekly(numberOf(number), daysOf(days), weekStart),
  },
  // "every 1st and 15th", "every last day of the month"
  { pattern: sticky(`${EVERY}${NTH_LIST}${OF_MONTH}${END}(?!\\s+${WEEKDAY})`), read: ({ nths = "" }) => ruleOf("MONTHLY", { monthDays: monthDaysOf(nths) }) },
  // "every 3 March", "every march 3rd", "every January"
  { pattern: sticky(`${EVERY}(?<date>${D})\\s+(?:of\\s+)?(?<month>${MONTH})${END}`), read: yearly },
  { pattern: sticky(`${EVERY}(?<month>${MONTH})(?:\\s+(?:the\\s+)?(?<date>${D}))?${END}`), read: yearly },
  { pattern: sticky(`${EVERY}${WORKDAY}${END}`), read: () => weekly(1, range(1, 5)) },
  { pattern: sticky(`${EVERY}weekends?${END}`), read: () => weekly(1, [{ weekday: 6 }, { weekday: 0 }]) },
  { pattern: sticky(`${EVERY}(?<part>morning|afternoon|evening|night)${END}(?!\\s+(?:and|or)\\s)`), read: () => ruleOf("DAILY") },
  { pattern: sticky(`${EVERY}${DAY_LIST}${END}`), read: ({ days = "" }) => weekly(1, daysOf(days)) },

  // "daily", "weekly on Friday", "Mondays", "on weekdays"
  {
    pattern: sticky(`(?<adverb>daily|(?:bi|fort)?(?:-?weekly|nightly)|monthly|quarterly|yearly|annually)${WHERE}${END}`),
    read: (groups, weekStart) => adverbial(groups["adverb"] ?? "", groups, weekStart),
    adverb: true,
  },
  {
    pattern: sticky(`(?:on\\s+)?(?<days>${WEEKDAY_NAMES.join("s|")}s)(?<more>(?:${AND}(?:${WEEKDAY_NAMES.join("s|")}s))*)${END}`),
    read: ({ days = "", more = "" }) => weekly(1, daysOf(days + more)),
    adverb: true,
  },
  { pattern: sticky(`on\\s+weekdays${END}`), read: () => weekly(1, range(1, 5)) },
  { pattern: sticky(`(?:on|at)\\s+(?:the\\s+)?weekends${END}`), read: () => weekly(1, [{ weekday: 6 }, { weekday: 0 }]) },
];

const COMPLETION = sticky(`\\s+(?:after|from|once|when)\\s+(?:completion|completed|completing(?:\\s+it)?|done|(?:it['’]?s|it\\s+is|i['’]?m|i\\s+am)\\s+(?:done|completed)|i\\s+(?:complete|finish|did)\\s+it)${END}`);
const LIMIT = sticky(`,?\\s*(?:(?:for\\s+)?(?<count>\\d{1,3})\\s+(?:times|occurrences)|(?<once>twice))${END}`);

/** The repetition that is written exactly there. */
export function readRepetition(text: string, from: number, weekStart: number): FoundRepetition | undefined {
  if (isNotDue(text, from)) return undefined;
  for (const { pattern, read, adverb } of READINGS) {
    const match = matchAt(pattern, text, from);
    const rule = match && read(match.groups ?? {}, weekStart);
    if (!match || !rule) continue;
    let to = from + match[0].length;
    // "daily standup", "weekly review", "the weekly report".
    if (adverb && (describesWhatFollows(text, from, to, false) || isOfANoun(text, from))) continue;
    const done = matchAt(COMPLETION, text, to);
    if (done) to += done[0].length;
    const daypart = match.groups?.["part"]?.toLowerCase() as Daypart | undefined;
    return { to, rule, fromCompletion: done !== null || match.groups?.["bang"] !== undefined, daypart };
  }
  return undefined;
}

/** "10 times", behind a repetition or anywhere after it. */
export function readCount(text: string, from: number): { to: number; count: number } | undefined {
  const match = matchAt(LIMIT, text, from);
  return match ? { to: from + match[0].length, count: match.groups?.["once"] ? 2 : Number(match.groups?.["count"]) } : undefined;
}

/** The rule of a text that says nothing else; undefined if it is not understood. */
export function fromWords(text: string, weekStart = 1): Recurrence | undefined {
  const given = text.trim();
  const attempts = [given, `every ${given}`];
  for (const attempt of attempts) {
    const found = readRepetition(attempt, 0, weekStart);
    if (!found) continue;
    const { rule } = found;
    let { to } = found;
    const limit = readCount(attempt, to);
    if (limit) [to, rule.count] = [limit.to, limit.count];
    const until = /^,?\s*until\s+(?<day>\d{4}-\d\d-\d\d|\d{1,2}\s+\p{L}+\s+\d{4})$/iu.exec(attempt.slice(to));
    if (until) {
      const [date = "", month = "", year = ""] = (until.groups?.["day"] ?? "").split(/\s+/);
      rule.until = year ? `${year}-${String(monthNamed(month)).padStart(2, "0")}-${date.padStart(2, "0")}` : date;
      to = attempt.length;
    }
    if (to === attempt.length) return { rule: writeRule(rule), from: found.fromCompletion ? "completion" : "due" };
  }
  return undefined;
}

/** "every last Friday of the month", "every 2 weeks on Monday and Thursday, 10 times". */
export function inWords(recurrence: Recurrence | string): string {
  const { rule: text, from } = typeof recurrence === "string" ? { rule: recurrence, from: "due" } : recurrence;
  const rule = readRule(text);
  if (!rule) return "on a custom schedule";
  const base = words(rule);
  if (!base) return "on a custom schedule";
  const { day, month, year } = parts(rule.until ?? "1970-01-01");
  const end = rule.until ? `, until ${day} ${MONTH_NAMES[month - 1]?.slice(0, 3)} ${year}` : rule.count === undefined ? "" : rule.count === 1 ? ", once" : `, ${rule.count} times`;
  return base + (from === "completion" ? " after completion" : "") + end;
}

function words(rule: Rule): string | undefined {
  const { freq, interval, days, monthDays, months, positions } = rule;
  const unit = { DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" }[freq];
  const every = interval === 1 ? `every ${unit}` : interval === 2 ? `every other ${unit}` : `every ${interval} ${unit}s`;
  const bare = !days.length && !monthDays.length && !months.length && !positions.length;
  if (bare) return every;
  const at = place(rule);
  if (!at) return undefined;
  if (freq === "WEEKLY") {
    if (interval === 1) return at === "weekday" ? "every weekday" : `every ${at}`;
    if (at === "weekday") return undefined;
    return interval === 2 && days.length === 1 ? `every other ${at}` : `${every} on ${at}`;
  }
  if (freq === "MONTHLY") return interval === 1 && (days.length || positions.length) ? `every ${at} of the month` : `${every} on the ${at}`;
  if (freq === "YEARLY") return `${every} on ${at}`;
  return undefined;
}

/** What of the week, month or year; undefined where no words are simple enough. */
function place({ freq, days, monthDays, months, positions }: Rule): string | undefined {
  const month = MONTH_NAMES[(months[0] ?? 0) - 1];
  const isWorkday = days.length === 5 && days.every(({ weekday, nth }) => weekday >= 1 && weekday <= 5 && nth === undefined);
  if (freq === "WEEKLY") {
    if (months.length || monthDays.length || positions.length || days.some(({ nth }) => nth !== undefined)) return undefined;
    return isWorkday ? "weekday" : listed(inOrder(days).map(({ weekday }) => WEEKDAY_NAMES[weekday] ?? ""));
  }
  if (freq === "DAILY" || months.length > 1 || (freq === "MONTHLY") === (months.length === 1)) return undefined;
  if (monthDays.length && !days.length && !positions.length) {
    if (freq === "YEARLY") return monthDays.length === 1 && (monthDays[0] ?? 0) > 0 ? `${monthDays[0]} ${month}` : undefined;
    if (monthDays.some((one) => one < -1)) return undefined;
    return listed(monthDays.map((one) => (one === -1 ? "last day" : ordinal(one))));
  }
  if (monthDays.length) return undefined;
  const ending = freq === "YEARLY" ? ` of ${month}` : "";
  const the = freq === "YEARLY" ? "the " : "";
  if (positions.length) return isWorkday && positions.every(isNamed) ? `${the}${listed(positions.map(named))} weekday${ending}` : undefined;
  const [{ weekday } = { weekday: 0 }] = days;
  const same = days.length > 0 && days.every((one) => one.weekday === weekday && one.nth !== undefined && isNamed(one.nth));
  return same ? `${the}${listed(days.map(({ nth = 0 }) => named(nth)))} ${WEEKDAY_NAMES[weekday]}${ending}` : undefined;
}

const isNamed = (nth: number) => nth === -1 || (nth >= 1 && nth <= 5);
const named = (nth: number) => ["last", "", "first", "second", "third", "fourth", "fifth"][nth + 1] ?? "";
const inOrder = (days: RuleDay[]) => [...days].sort((a, b) => ((a.weekday + 6) % 7) - ((b.weekday + 6) % 7));

// From words.

const numberOf = (text: string) => (/^second$/i.test(text) ? 2 : numberNamed(text));
const range = (from: number, to: number) => Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, at) => ({ weekday: (from + at) % 7 }));

function daysOf(text: string): RuleDay[] {
  const [from, to] = text.split(/[-–]/);
  if (from && to) return range(weekdayNamed(from.trim()), weekdayNamed(to.trim()));
  const names = text.match(new RegExp(WEEKDAY, "gi")) ?? [];
  return inOrder([...new Set(names.map(weekdayNamed))].map((weekday) => ({ weekday })));
}

function monthDaysOf(text: string): number[] {
  const all = text.match(/\d{1,2}|last|first/gi) ?? [];
  return [...new Set(all.map((one) => (/^l/i.test(one) ? -1 : /^f/i.test(one) ? 1 : Number(one))))].filter((one) => one <= 31);
}

function weekly(interval: number, days: RuleDay[], weekStart = 1): Rule {
  // Where a week begins matters only for several days of every second week.
  const matters = interval > 1 && days.length > 1;
  return ruleOf("WEEKLY", { interval, days, weekStart: matters ? weekStart : 1 });
}

function nthDays(ordinals: string, day: string | undefined, work: string | undefined, months = ""): Rule {
  const nths = (ordinals.match(new RegExp(ORDINAL, "gi")) ?? []).map(ordinalNamed);
  const inMonths = (months.match(new RegExp(MONTH, "gi")) ?? []).map(monthNamed);
  const freq = inMonths.length ? "YEARLY" : "MONTHLY";
  if (day) return ruleOf(freq, { months: inMonths, days: nths.map((nth) => ({ weekday: weekdayNamed(day), nth })) });
  return ruleOf(freq, { months: inMonths, days: work ? range(1, 5) : [], positions: nths });
}

function yearly({ date = "1", month = "" }: Groups): Rule | undefined {
  const day = Number.parseInt(date, 10);
  const at = monthNamed(month);
  return day <= (LONGEST[at - 1] ?? 0) ? ruleOf("YEARLY", { months: [at], monthDays: [day] }) : undefined;
}

const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function counted(interval: number, unit: string, groups: Groups, weekStart: number): Rule | undefined {
  if (interval < 1) return undefined;
  if (/^d/i.test(unit)) return located(ruleOf("DAILY", { interval }), groups, weekStart);
  if (/^w/i.test(unit)) return located(ruleOf("WEEKLY", { interval }), groups, weekStart);
  if (/^f/i.test(unit)) return located(ruleOf("WEEKLY", { interval: interval * 2 }), groups, weekStart);
  if (/^q/i.test(unit)) return located(ruleOf("MONTHLY", { interval: interval * 3 }), groups, weekStart);
  if (/^h/i.test(unit)) return located(ruleOf("MONTHLY", { interval: interval * 6 }), groups, weekStart);
  return located(ruleOf(/^m/i.test(unit) ? "MONTHLY" : "YEARLY", { interval }), groups, weekStart);
}

function adverbial(adverb: string, groups: Groups, weekStart: number): Rule | undefined {
  if (/^(?:bi|fort)/i.test(adverb)) return counted(2, "weeks", groups, weekStart);
  if (/^nightly/i.test(adverb)) return undefined;
  const unit = /^da/i.test(adverb) ? "day" : /^(?:year|annu)/i.test(adverb) ? "year" : adverb;
  return counted(1, unit, groups, weekStart);
}

/** The rule at its place; undefined for "every day on the 15th". */
function located(rule: Rule, groups: Groups, weekStart: number): Rule | undefined {
  const { whereDays, whereOrdinals, whereNths, whereDay, whereWork, whereMonthOf } = groups;
  const date = groups["whereDate"] ?? groups["whereDate2"];
  const month = groups["whereMonth"] ?? groups["whereMonth2"];
  const { freq, interval } = rule;
  if (whereOrdinals) {
    const at = nthDays(whereOrdinals, whereDay, whereWork, whereMonthOf);
    return at.freq === freq ? { ...at, interval } : undefined;
  }
  if (whereNths) return freq === "MONTHLY" ? { ...rule, monthDays: monthDaysOf(whereNths) } : undefined;
  if (whereDays) return freq === "WEEKLY" ? weekly(interval, daysOf(whereDays), weekStart) : undefined;
  if (!date) return rule;
  const at = freq === "YEARLY" ? yearly({ date, month }) : undefined;
  return at && { ...at, interval };
}

