// The words of which dates, times and repetitions are made, as parts of regular expressions.

export const WEEKDAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
export const MONTH_NAMES = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

export const WEEKDAY = "(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)\\.?";
export const MONTH =
  "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
export const NUMBER =
  "(?:\\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:a\\s+)?couple(?:\\s+of)?)";
export const ORDINAL = "(?:first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th)";
/** A day of the month with its ending, "3rd"; also without, where `D` stands beside a month. */
export const NTH = "(?:\\d{1,2}(?:st|nd|rd|th))";
export const D = "(?:0?[1-9]|[12]\\d|3[01])(?:st|nd|rd|th)?";
export const YEAR = "(?:19|20|21)\\d\\d";

/** Behind the last word of what is understood: no rest of a longer word, number, range or possessive. */
export const END = "(?![\\p{L}\\p{N}_%€$£°]|['’-]\\p{L}|\\s*[-–—]\\s*\\p{N}|[:./,]\\p{N})";

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const ORDINALS = ["last", "first", "second", "third", "fourth", "fifth"];

export function weekdayNamed(name: string): number {
  const start = name.toLowerCase().slice(0, 3);
  return WEEKDAY_NAMES.findIndex((one) => one.toLowerCase().startsWith(start));
}

export function monthNamed(name: string): number {
  const start = name.toLowerCase().slice(0, 3);
  return MONTH_NAMES.findIndex((one) => one.toLowerCase().startsWith(start)) + 1;
}

export function numberNamed(text: string): number {
  const name = text.toLowerCase();
  if (/^\d/.test(name)) return Number.parseInt(name, 10);
  if (name === "a" || name === "an") return 1;
  if (name.includes("couple") || name === "other") return 2;
  return NUMBERS.indexOf(name);
}

/** 1 to 5; -1 is the last. */
export function ordinalNamed(text: string): number {
  const name = text.toLowerCase();
  if (/^\d/.test(name)) return Number.parseInt(name, 10);
  return name === "last" ? -1 : ORDINALS.indexOf(name);
}

/** "1st", "22nd", "13th". */
export function ordinal(number: number): string {
  const ending = number % 100 >= 11 && number % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}

/** "a", "a and b", "a, b and c". */
export function listed(all: readonly string[]): string {
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}

/** Made of its source when it is first needed: to make all of them takes longer than to read a line. */
export interface Pattern {
  source: string;
  made?: RegExp;
}

export const sticky = (source: string): Pattern => ({ source });

/** Matches exactly there. */
export function matchAt(pattern: Pattern, text: string, at: number): RegExpExecArray | null {
  const made = (pattern.made ??= new RegExp(pattern.source, "iuy"));
  made.lastIndex = at;
  return made.exec(text);
}
