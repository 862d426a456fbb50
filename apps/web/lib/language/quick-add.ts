// What a line says about a new task. What is understood is shown before it is added, and can be taken as words again.

import { addDays, addMonths, type Day, inZone, parts as partsOf } from "./calendar.ts";
import { type FoundDay, type Moment, readDay } from "./dates.ts";
import { type FoundRepetition, inWords, type Recurrence, readCount, readRepetition } from "./repetition.ts";
import { firstDate, type Rule, writeRule } from "./rule.ts";
import { type Clock, type Daypart, type FoundTime, readDaypart, readTime, resolved, STARTS } from "./times.ts";
import { matchAt, MONTH_NAMES, sticky, WEEKDAY_NAMES } from "./words.ts";

export type Priority = "none" | "low" | "medium" | "high";
export type PartKind = "date" | "time" | "repetition" | "priority" | "tag" | "list";

export interface Context extends Moment, Clock {
  /** The tags that there are; a tag is spelled as it is already. */
  tags?: readonly string[];
  lists?: readonly { id: string; name: string }[];
  /** Words that are to be taken as they are: those of chips that were removed. */
  literal?: readonly string[];
}

export interface Part {
  from: number;
  to: number;
  kind: PartKind;
  /** What was understood, for a chip. */
  label: string;
}

export interface QuickFields {
  title: string;
  due_date?: Day;
  due_time?: string;
  time_zone?: string;
  priority?: Priority;
  tags?: string[];
  /** null is the inbox. */
  list_id?: string | null;
  recurrence?: Recurrence;
}

export interface Understood {
  fields: QuickFields;
  parts: Part[];
}

interface Span {
  from: number;
  to: number;
}

interface Found {
  days: (FoundDay & Span)[];
  times: (FoundTime & Span)[];
  dayparts: (Span & { daypart: Daypart; time: string })[];
  repetitions: (FoundRepetition & Span)[];
  limits: (Span & { count?: number; until?: Day })[];
  priorities: (Span & { priority: Priority })[];
  tags: (Span & { tag: string })[];
  lists: (Span & { id: string | null; name: string })[];
}

const PRIORITY = sticky("(?:!(?<name>high|medium|med|low|none|[1-3])|(?<marks>!{2,3})|p(?<number>[1-4]))(?=$|[\\s,.;:)])");
const PRIORITIES: Record<string, Priority> = { high: "high", medium: "medium", med: "medium", low: "low", none: "none", 1: "high", 2: "medium", 3: "low", 4: "none" };
const TAG = sticky("#(?<tag>[\\p{L}\\p{Extended_Pictographic}][^\\s#]*)");
const LITERAL = /"[^"]*"|“[^”]*”|\bhttps?:\/\/\S+|\S+@\S+\.\S+/giu;
const UNTIL = sticky("(?:,\\s*)?(?:until|till?|through|ending)\\s+");
const FOR = sticky("for\\s+(?:(?<number>\\d{1,3}|an?|one|two|three|four|five|six)\\s+)(?<unit>days?|weeks?|months?|years?)(?![\\p{L}\\p{N}])");
const MAX_TAGS = 50;
const MAX_TAG = 60;

export function understand(text: string, context: Context): Understood {
  const found = read(text, context);
  const fields: QuickFields = { title: "" };
  const parts: Part[] = [];
  const take = ({ from, to }: Span, kind: PartKind, label: string) => parts.push({ from, to, kind, label });

  for (const { tag, ...span } of found.tags) {
    const tags = (fields.tags ??= []);
    const known = tags.find((one) => folded(one) === folded(tag));
    if (!known && tags.length === MAX_TAGS) continue;
    if (!known) tags.push(tag);
    take(span, "tag", known ?? tag);
  }
  const priority = found.priorities.at(-1);
  if (priority) {
    fields.priority = priority.priority;
    take(priority, "priority", `${priority.priority === "none" ? "No" : capital(priority.priority)} priority`);
  }
  const list = found.lists.at(-1);
  if (list) {
    fields.list_id = list.id;
    take(list, "list", list.name);
  }
  when(text, found, context, fields, take);
  parts.sort((a, b) => a.from - b.from);
  fields.title = without(text, parts);
  return { fields, parts };
}

/** Everything in the line that could be understood, in its order. */
function read(text: string, context: Context): Found {
  const found: Found = { days: [], times: [], dayparts: [], repetitions: [], limits: [], priorities: [], tags: [], lists: [] };
  const literal = literalSpans(text, context.literal ?? []);
  for (let at = 0; at < text.length; ) {
    const isStart = at === 0 || /[\s(\[]/.test(text[at - 1] ?? "");
    const covering = literal.find(({ from, to }) => from <= at && at < to);
    const end = covering ? covering.to : isStart && /\S/.test(text[at] ?? "") ? readAt(text, at, context, found) : undefined;
    // Words that are to be taken as they are end what begins before them.
    const next = end !== undefined && !covering && literal.some(({ from, to }) => from < end && to > at) ? undefined : end;
    if (end !== undefined && next === undefined) forget(found, at);
    at = next ?? at + 1;
  }
  return found;
}

function forget(found: Found, from: number) {
  for (const all of Object.values(found) as Span[][]) {
    while (all.length && (all.at(-1)?.from ?? -1) >= from) all.pop();
  }
}

/** Reads what begins there; gives its end. */
function readAt(text: string, at: number, context: Context, found: Found): number | undefined {
  const mark = readMark(text, at, context, found);
  if (mark) return mark;
  const repetition = readRepetition(text, at, context.weekStart);
  if (repetition && !found.repetitions.length) {
    found.repetitions.push({ ...repetition, from: at });
    return withDaypart(text, repetition.to, found);
  }
  if (found.repetitions.length) {
    const limit = readLimit(text, at, context);
    if (limit) {
      found.limits.push({ ...limit, from: at });
      return limit.to;
    }
  }
  // What directly follows another part of the same kind of saying belongs to it: "tomorrow evening at 8 dinner".
  const before = text.slice(0, at).trimEnd().length;
  const follows = [found.days, found.times, found.dayparts, found.repetitions].some((all) => before > 0 && all.at(-1)?.to === before);
  const day = readDay(text, at, context, follows);
  const time = readTime(text, at, { ...context, follows });
  // "@5" is no day, and "5 May" no time.
  if (time && (!day || time.to > day.to)) {
    found.times.push({ ...time, from: at });
    return time.to;
  }
  if (!day) return undefined;
  found.days.push({ ...day, from: at });
  return withDaypart(text, day.to, found);
}

function withDaypart(text: string, at: number, found: Found): number {
  const part = readDaypart(text, at);
  if (!part) return at;
  found.dayparts.push({ from: at, to: part.to, daypart: part.daypart, time: part.noon ? "12:30" : STARTS[part.daypart] });
  return part.to;
}

function readMark(text: string, at: number, { tags = [], lists = [] }: Context, found: Found): number | undefined {
  const priority = matchAt(PRIORITY, text, at);
  if (priority) {
    const { name, marks, number } = priority.groups ?? {};
    const level = marks ? String(4 - marks.length) : (name ?? number ?? "").toLowerCase();
    const to = at + priority[0].length;
    found.priorities.push({ from: at, to, priority: PRIORITIES[level] ?? "none" });
    return to;
  }
  if (text[at] === "#") {
    const known = longest(text, at + 1, tags, (tag) => tag);
    if (known) {
      found.tags.push({ from: at, to: known.to, tag: known.one });
      return known.to;
    }
    const tag = matchAt(TAG, text, at)?.groups?.["tag"]?.replace(/[^\p{L}\p{M}\p{N}\p{Extended_Pictographic}\u{FE0F}\u{200D}]+$/u, "").normalize("NFC");
    if (!tag || [...tag].length > MAX_TAG) return undefined;
    const to = at + 1 + (matchAt(TAG, text, at)?.groups?.["tag"] ?? "").search(/[^\p{L}\p{M}\p{N}\p{Extended_Pictographic}\u{FE0F}\u{200D}]*$/u);
    // "#Home #home" is one.
    const before = found.tags.find((one) => folded(one.tag) === folded(tag))?.tag;
    found.tags.push({ from: at, to, tag: before ?? tag });
    return to;
  }
  if (text[at] === "/") {
    const all = [...lists, { id: null, name: "Inbox" }];
    const known = longest(text, at + 1, all, ({ name }) => name);
    if (!known) return undefined;
    found.lists.push({ from: at, to: known.to, id: known.one.id, name: known.one.name });
    return known.to;
  }
  return undefined;
}

/** The longest of the names that stands there, in whichever case. */
function longest<T>(text: string, at: number, all: readonly T[], nameOf: (one: T) => string): { one: T; to: number } | undefined {
  const rest = text.slice(at);
  let best: { one: T; to: number } | undefined;
  for (const one of all) {
    const name = nameOf(one);
    const to = at + name.length;
    if (!name || folded(rest.slice(0, name.length)) !== folded(name) || /^(?:[\p{L}\p{N}_]|['’]\p{L})/u.test(rest.slice(name.length))) continue;
    if (!best || to > best.to) best = { one, to };
  }
  return best;
}

/** "until 3 March", "10 times", "for 3 weeks": only behind a repetition. */
function readLimit(text: string, at: number, context: Context): { to: number; count?: number; until?: Day } | undefined {
  const count = readCount(text, at);
  if (count && count.count > 0) return count;
  const until = matchAt(UNTIL, text, at);
  if (until) {
    const from = at + until[0].length;
    // Without the words before it, which say that it is not when the task is due.
    const day = readDay(`@${text.slice(from)}`, 0, context);
    return day && { to: from + day.to - 1, until: day.day };
  }
  const span = matchAt(FOR, text, at);
  if (!span) return undefined;
  const today = inZone(context.now, context.zone).day;
  const number = span.groups?.["number"]?.toLowerCase() ?? "1";
  const many = /^\d/.test(number) ? Number(number) : Math.max(1, ["", "one", "two", "three", "four", "five", "six"].indexOf(number));
  const unit = span.groups?.["unit"]?.[0]?.toLowerCase();
  const end = unit === "d" ? addDays(today, many) : unit === "w" ? addDays(today, many * 7) : addMonths(today, unit === "m" ? many : many * 12);
  return { to: at + span[0].length, until: addDays(end, -1) };
}

/** Dates, times and repetition, which depend on each other. */
function when(text: string, found: Found, context: Context, fields: QuickFields, take: (span: Span, kind: PartKind, label: string) => void) {
  const { now, zone } = context;
  const day = found.days.findLast((one) => one.explicit) ?? found.days.at(-1);
  const repetition = found.repetitions[0];
  const time = found.times[0];
  const part = found.dayparts.find(({ from }) => from === day?.to || from === repetition?.to);
  const daypart = part?.daypart ?? day?.daypart ?? repetition?.daypart;
  const hint = daypart ?? mealtime(text);
  const saidTime = time ? resolved(time, hint) : (day?.time ?? part?.time ?? (daypart && STARTS[daypart]));
  const here = inZone(now, time?.zone ?? zone);
  const isOver = saidTime !== undefined && saidTime <= here.time;

  if (repetition) {
    const rule: Rule = { ...repetition.rule };
    for (const limit of found.limits) {
      if (limit.count !== undefined && !rule.until) rule.count = limit.count;
      else if (limit.until && rule.count === undefined) rule.until = limit.until;
    }
    const first = day ? firstDate(rule, day.day) : firstDate(rule, isOver ? addDays(here.day, 1) : here.day);
    // A series that ends before it begins is none.
    if (first && (!rule.until || first <= rule.until)) {
      fields.due_date = first;
      fields.recurrence = { rule: writeRule(rule), from: repetition.fromCompletion ? "completion" : "due" };
      const words = capital(inWords({ ...fields.recurrence, rule: writeRule(repetition.rule) }));
      take(repetition, "repetition", day ? words : `${words}, from ${inSentence(first, here.day)}`);
      for (const limit of found.limits) take(limit, "repetition", limit.until ? `Until ${inSentence(limit.until, here.day)}` : `${limit.count} times`);
    }
  }
  if (day) {
    fields.due_date ??= day.day;
    const label = `${fields.recurrence ? `From ${inSentence(day.day, here.day)}` : dayLabel(day.day, here.day)}${!time && !part && saidTime ? ` ${saidTime}` : ""}`;
    take(day, "date", label);
  }
  if (!saidTime) return;
  const alone = !fields.due_date;
  fields.due_date ??= isOver ? addDays(here.day, 1) : here.day;
  fields.due_time = saidTime;
  if (time?.zone) fields.time_zone = time.zone;
  const where = time?.zone ? ` ${cityOf(time.zone)} time` : "";
  const label = `${alone ? `${dayLabel(fields.due_date, here.day)} ` : ""}${saidTime}${where}`;
  if (time) take(time, "time", label);
  if (part) take(part, "time", time ? capital(part.daypart) : saidTime);
}

const MEALS: [RegExp, Daypart][] = [
  [/\b(?:dinner|supper|drinks|party|movie|cinema|concert|theat(?:re|er)|opera)\b/i, "evening"],
  [/\bbreakfast\b/i, "morning"],
];

/** "Dinner at 8" is not in the morning. */
const mealtime = (text: string) => MEALS.find(([word]) => word.test(text))?.[1];

const cityOf = (zone: string) => zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;

/** "Today", "Tomorrow", "Fri 4 Dec", "Fri 4 Dec 2027". */
export function dayLabel(day: Day, today: Day): string {
  if (day === today) return "Today";
  if (day === addDays(today, 1)) return "Tomorrow";
  const at = partsOf(day);
  const weekday = WEEKDAY_NAMES[new Date(Date.parse(day)).getUTCDay()]?.slice(0, 3);
  const year = at.year === partsOf(today).year ? "" : ` ${at.year}`;
  return `${weekday} ${at.day} ${MONTH_NAMES[at.month - 1]?.slice(0, 3)}${year}`;
}

const inSentence = (day: Day, today: Day) => dayLabel(day, today).replace(/^To/, "to");

/** Quoted words, links, e-mail addresses, and the words of chips that were removed. */
function literalSpans(text: string, literal: readonly string[]): Span[] {
  const spans = [...text.matchAll(LITERAL)].map((match) => ({ from: match.index, to: match.index + match[0].length }));
  const lower = text.toLowerCase();
  for (const phrase of literal) {
    const wanted = phrase.toLowerCase();
    if (!wanted) continue;
    for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
      spans.push({ from: at, to: at + wanted.length });
    }
  }
  return spans;
}

/** The words that are left, put together again. */
function without(text: string, parts: Part[]): string {
  if (!parts.length) return text.trim();
  let title = "";
  let at = 0;
  for (const { from, to } of parts) {
    title += text.slice(at, from);
    // A comma that stood behind what is gone separates nothing any more.
    at = to + (/^\s*[,;:.](?=\s|$)/.exec(text.slice(to))?.[0].length ?? 0);
    title = title.replace(/\s+$/, " ");
  }
  title += text.slice(at);
  return title
    .replace(/\(\s*\)|\[\s*\]/g, " ")
    .replace(/\s+([?!])(?=\s|$)/g, "$1")
    .replace(/\s+/g, " ")
    .replace(/^[\s,;:–-]+(?=\s|$)|[\s,;:–-]+$/g, "")
    .trim();
}

const folded = (text: string) => text.normalize("NFC").toLowerCase();
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

