// Times as people write them: "5pm", "17:30", "at 7", "half past six", "9am Tokyo time".

import { describesWhatFollows, isNotDue, isQuantity } from "./surroundings.ts";
import { END, matchAt, sticky } from "./words.ts";

export type Daypart = "morning" | "afternoon" | "evening" | "night";

/** When a part of the day is where no time is said. */
export const STARTS: Record<Daypart, string> = { morning: "09:00", afternoon: "14:00", evening: "18:00", night: "20:00" };

export interface FoundTime {
  to: number;
  hour: number;
  minute: number;
  /** It does not depend on the part of the day. */
  sure: boolean;
  daypart?: Daypart | undefined;
  zone?: string | undefined;
}

export interface Clock {
  /** Whether 5:30 without am or pm may be in the afternoon; default 24. */
  clock?: "12" | "24" | undefined;
}

interface Options extends Clock {
  /** It stands behind another part that says when, so there is no doubt. */
  follows?: boolean;
}

const LEAD = "(?<lead>(?:(?:due\\s+)?(?:at|by|around|from)\\s+|@\\s?))?";
const AT = "(?:(?:due\\s+)?at\\s+|@\\s?)";
const M = "[ap]\\.?m\\.?";
const PART = "(?:\\s+(?:(?:o['’]?clock|sharp)\\s*)?(?:in\\s+the\\s+(?<part>morning|afternoon|evening)|at\\s+(?<night>night)|o['’]?clock|sharp))?";
const H12 = "(?<hour>1[0-2]|0?[1-9])";
const H24 = "(?<hour>2[0-3]|[01]?\\d)";
const MINUTES = "(?<minute>[0-5]\\d)";
const NAMED = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

const TWELVE = sticky(`${LEAD}${H12}(?:[:.]${MINUTES})?\\s?(?<m>${M})${PART}${END}`);
const FULL = sticky(`${LEAD}${H24}:${MINUTES}(?!:)${PART}${END}`);
const DOTTED = sticky(`${AT}${H24}[.h]${MINUTES}${PART}${END}`);
const BARE = sticky(`${AT}(?:${H24}|(?<name>${NAMED.join("|")}))${PART}${END}`);
const PAST = sticky(`(?:${AT})?(?<how>half\\s+past|quarter\\s+(?:past|to)|(?:five|ten|twenty)\\s+(?:past|to))\\s+(?:${H12}|(?<name>${NAMED.join("|")}))(?:\\s?(?<m>${M}))?${PART}${END}`);
const NOON = sticky(`(?:(?:at|by|@)\\s*)?(?:12\\s+)?(?:noon|midday)${END}`);
const END_OF_DAY = sticky(`(?:(?:by|at)\\s+)?(?:the\\s+)?(?:eod|end\\s+of\\s+(?:the\\s+)?day)${END}`);
const RANGE = sticky(`\\s*(?:to|until|till|[-–—])\\s*\\d{1,2}(?![\\d\\p{L}])|\\s*(?:to|until|till|[-–—])\\s*\\d{1,2}(?::\\d\\d)?\\s?${M}`);
const DAYPART = sticky(`\\s+(?:in\\s+the\\s+|at\\s+)?(?<part>morning|lunchtime|afternoon|evening|night)${END}`);

/** The time that is written exactly there. */
export function readTime(text: string, from: number, options: Options = {}): FoundTime | undefined {
  if (isNotDue(text, from)) return undefined;
  const found = exact(text, from, options);
  // A task has no length: "5 to 6pm" stays as it is.
  if (!found || matchAt(RANGE, text, found.to)) return undefined;
  const zone = readZone(text, found.to);
  return zone ? { ...found, ...zone } : found;
}

function exact(text: string, from: number, { clock, follows = false }: Options): FoundTime | undefined {
  let match = matchAt(NOON, text, from);
  if (match) {
    const to = from + match[0].length;
    return !follows && describesWhatFollows(text, from, to) ? undefined : { to, hour: 12, minute: 0, sure: true };
  }
  match = matchAt(END_OF_DAY, text, from);
  if (match) {
    const to = from + match[0].length;
    return !follows && describesWhatFollows(text, from, to) ? undefined : { to, hour: 17, minute: 0, sure: true };
  }
  match = matchAt(TWELVE, text, from);
  if (match) return made(match, from, { sure: true });
  match = matchAt(PAST, text, from);
  if (match) return past(match, from);
  match = matchAt(FULL, text, from);
  if (match) return made(match, from, { sure: clock !== "12" || !/^[1-9]$/.test(match.groups?.["hour"] ?? "") });
  match = matchAt(DOTTED, text, from);
  if (match) return made(match, from, { sure: true });
  match = matchAt(BARE, text, from);
  if (!match) return undefined;
  const to = from + match[0].length;
  // "at 5 stars", "at 10 Downing Street".
  if (isQuantity(text, to) || (!follows && !readZone(text, to) && describesWhatFollows(text, from, to))) return undefined;
  return made(match, from, { sure: /^0/.test(match.groups?.["hour"] ?? "") });
}

function made({ 0: whole, groups = {} }: RegExpExecArray, from: number, { sure }: { sure: boolean }): FoundTime {
  let hour = groups["name"] ? NAMED.indexOf(groups["name"].toLowerCase()) + 1 : Number(groups["hour"]);
  if (groups["m"]) hour = (hour % 12) + (/^p/i.test(groups["m"]) ? 12 : 0);
  const daypart = (groups["part"] ?? groups["night"])?.toLowerCase() as Daypart | undefined;
  // 13 and later say it themselves.
  const isSure = (sure && !(daypart && !groups["m"])) || hour > 12 || hour === 0;
  return { to: from + whole.length, hour, minute: Number(groups["minute"] ?? 0), sure: isSure, daypart };
}

const MINUTES_OF: Record<string, number> = { half: 30, quarter: 15, five: 5, ten: 10, twenty: 20 };

function past(match: RegExpExecArray, from: number): FoundTime {
  const found = made(match, from, { sure: match.groups?.["m"] !== undefined });
  const [name = "", relation] = (match.groups?.["how"] ?? "").toLowerCase().split(/\s+/);
  const minutes = MINUTES_OF[name] ?? 0;
  if (relation !== "to") return { ...found, minute: minutes };
  const hour = found.sure ? (found.hour + 23) % 24 : ((found.hour + 10) % 12) + 1;
  return { ...found, hour, minute: 60 - minutes };
}

/** A part of the day behind a day: "tomorrow morning". */
export function readDaypart(text: string, from: number): { to: number; daypart: Daypart; noon: boolean } | undefined {
  const match = matchAt(DAYPART, text, from);
  if (!match) return undefined;
  const part = match.groups?.["part"]?.toLowerCase() ?? "";
  const noon = part === "lunchtime";
  return { to: from + match[0].length, daypart: noon ? "afternoon" : (part as Daypart), noon };
}

/** "HH:MM". Without a part of the day, 1 to 6 are in the afternoon: nobody plans for the small hours. */
export function resolved({ hour, minute, sure, daypart: own }: FoundTime, daypart: Daypart | undefined): string {
  const part = own ?? daypart;
  let at = hour;
  if (!sure) {
    if (part === "morning") at = hour % 12;
    else if (part === "night") at = hour === 12 ? 0 : hour < 6 ? hour : (hour % 12) + 12;
    else if (part) at = (hour % 12) + 12;
    else if (hour >= 1 && hour <= 6) at = hour + 12;
  }
  return `${String(at).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

const BY_NAME: Record<string, string> = {
  utc: "UTC",
  gmt: "GMT",
  est: "America/New_York",
  edt: "America/New_York",
  et: "America/New_York",
  eastern: "America/New_York",
  cst: "America/Chicago",
  cdt: "America/Chicago",
  ct: "America/Chicago",
  central: "America/Chicago",
  mst: "America/Denver",
  mdt: "America/Denver",
  mt: "America/Denver",
  mountain: "America/Denver",
  pst: "America/Los_Angeles",
  pdt: "America/Los_Angeles",
  pt: "America/Los_Angeles",
  pacific: "America/Los_Angeles",
  bst: "Europe/London",
  uk: "Europe/London",
  cet: "Europe/Paris",
  cest: "Europe/Paris",
  eet: "Europe/Helsinki",
  jst: "Asia/Tokyo",
  aest: "Australia/Sydney",
  aedt: "Australia/Sydney",
};
const ABBREVIATION = sticky("\\s*\\(?(?<name>UTC|GMT|E[SD]?T|C[SD]?T|M[SD]T|P[SD]?T|BST|CES?T|EET|JST|AE[SD]T)\\)?(?![\\p{L}\\p{N}])");
const OF_CITY = sticky("\\s*\\(?(?:in\\s+)?(?<name>\\p{L}+(?:[ .'-]+\\p{L}+){0,3}?)\\s+time\\)?(?![\\p{L}\\p{N}])");
const IANA = sticky("\\s*\\(?(?<name>[A-Za-z]+(?:/[A-Za-z_+-]+){1,2})\\)?(?![\\p{L}\\p{N}/])");

let cities: Map<string, string> | undefined;

function zoneOf(name: string): string | undefined {
  const given = name.toLowerCase();
  const known = BY_NAME[given];
  if (known) return known;
  cities ??= new Map(Intl.supportedValuesOf("timeZone").map((zone) => [zone.split("/").at(-1)?.replaceAll("_", " ").toLowerCase() ?? "", zone]));
  return cities.get(given);
}

function readZone(text: string, from: number): { to: number; zone: string } | undefined {
  const abbreviated = matchAt(ABBREVIATION, text, from);
  // "et" and "pt" are words, "ET" is a zone.
  if (abbreviated && abbreviated.groups?.["name"] === abbreviated.groups?.["name"]?.toUpperCase()) {
    const zone = zoneOf(abbreviated.groups?.["name"] ?? "");
    return zone ? { to: from + abbreviated[0].length, zone } : undefined;
  }
  const city = matchAt(OF_CITY, text, from);
  const zone = city && zoneOf(city.groups?.["name"] ?? "");
  if (city && zone) return { to: from + city[0].length, zone };
  const full = matchAt(IANA, text, from);
  const name = full?.groups?.["name"];
  if (!full || !name) return undefined;
  const exactName = Intl.supportedValuesOf("timeZone").find((one) => one.toLowerCase() === name.toLowerCase());
  return exactName ? { to: from + full[0].length, zone: exactName } : undefined;
}
