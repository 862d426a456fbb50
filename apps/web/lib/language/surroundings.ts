// What stands around a word decides whether it says when: "call mum on Sunday" does, "Sunday lunch recipe" does not.

import { D, END, matchAt, MONTH, sticky, WEEKDAY } from "./words.ts";

/** Behind these a date says something else than when the task is due: "notes from Monday", "open until Friday". */
const NOT_DUE = /(?:^|[\s(])(?:last|past|previous|since|until|till|til|through|before|after|from|of|than|to|between|per|versus|vs\.?|called|named)\s+$/i;
/** Behind these a weekday is a noun: "the Friday report". */
const OF_A_NOUN = /(?:^|[\s(])(?:the|an?|my|our|his|her|its|their|your|some|any|no|one|this is|every|each|\p{L}+['’]s)\s+$/iu;
/** Behind these "sat" and "wed" are verbs, and "sun" is the one in the sky. */
const OF_A_SENTENCE = /(?:^|[\s(])(?:i|we|you|he|she|it|they|who|that|in|in the|of|under|to|has|have|had|be|is|was|and|cat|dog)\s+$/i;

/** Words behind which no noun has begun: what stands before them was complete. */
const GOES_ON =
  "(?:about|with|without|at|to|for|in|on|by|into|onto|from|of|and|or|but|if|when|while|because|since|before|after|until|till|as|re|via|per|plus|using|near|due|every|each|starting|around|between|instead|then|so|that|latest|morning|noon|afternoon|evening|night)";
const STARTS_A_TASK =
  "(?:add|ask|bake|book|bring|buy|call|cancel|check|clean|collect|cook|do|draft|drop|e-?mail|feed|file|fill|finish|fix|get|give|go|help|invite|make|meet|message|mow|order|pack|pay|phone|pick|plan|prepare|print|put|read|register|remind|renew|reply|reserve|return|review|ring|schedule|sell|send|set|sign|start|submit|take|talk|tell|text|tidy|update|visit|wash|water|write)";
const DIGITS_OR_MARKS = "(?:\\d|[@#!/~]|p[1-4]\\b)";
const NO_WORD = sticky("\\s*(?:$|[^\\s\\p{L}\\p{N}])");
const COMPLETE = sticky(
  `\\s+(?:${DIGITS_OR_MARKS}|(?:${GOES_ON}|next|this|today|tomorrow|tonight|noon|daily|weekly|monthly|yearly)(?![\\p{L}\\p{N}])|(?:${WEEKDAY}|${D}\\s+${MONTH}|${MONTH}\\s+${D})${END})`,
);
const TASK = sticky(`\\s+${STARTS_A_TASK}(?![\\p{L}\\p{N}])`);
const DAYPART = sticky("\\s+(?:in\\s+the\\s+|at\\s+)?(?:morning|lunchtime|afternoon|evening|night)(?![\\p{L}\\p{N}])");
const UNIT = sticky(
  "\\s*(?:km|kms|kilomet|mi|miles?|m|met(?:er|re)s?|kg|kilos?|g|grams?|lbs?|l|lit|min|mins|minutes?|h|hours?|hrs?|people|persons?|pages?|items?|times|x|eur|usd|euros?|dollars?|reps?|sets?|laps?|steps|pieces|stars?|%|°)(?![\\p{L}\\p{N}])",
);

/** As far back as any of these looks. */
const before = (text: string, from: number) => text.slice(Math.max(0, from - 40), from);

export const isNotDue = (text: string, from: number) => NOT_DUE.test(before(text, from));
export const isOfANoun = (text: string, from: number) => OF_A_NOUN.test(before(text, from));
export const isOfASentence = (text: string, from: number) => OF_A_SENTENCE.test(before(text, from));
export const isQuantity = (text: string, to: number) => matchAt(UNIT, text, to) !== null;

/** Whether a word follows that what ends here describes: "lunch" in "Sunday lunch recipe". */
export function describesWhatFollows(text: string, from: number, to: number, atStart = text.slice(0, from).trim() === ""): boolean {
  const part = matchAt(DAYPART, text, to);
  if (part) return describesWhatFollows(text, from, to + part[0].length, atStart);
  if (matchAt(NO_WORD, text, to) || matchAt(COMPLETE, text, to)) return false;
  // At the start, what follows may be what is to be done: "Friday call mum".
  return !(atStart && matchAt(TASK, text, to));
}
