import assert from "node:assert/strict";
import { test } from "node:test";
import ICAL from "ical.js";
import { fromWords, inWords } from "../lib/language/repetition.ts";
import { dates, firstDate, readRule, writeRule } from "../lib/language/rule.ts";

const PHRASES: [phrase: string, rule: string, words?: string][] = [
  ["every day", "FREQ=DAILY"],
  ["daily", "FREQ=DAILY", "every day"],
  ["every other day", "FREQ=DAILY;INTERVAL=2"],
  ["every 3 days", "FREQ=DAILY;INTERVAL=3"],
  ["every week", "FREQ=WEEKLY"],
  ["once a week", "FREQ=WEEKLY", "every week"],
  ["every other tuesday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every other Tuesday"],
  ["fortnightly on Friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "every other Friday"],
  ["every mon, wed and fri", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "every Monday, Wednesday and Friday"],
  ["every fri & mon", "FREQ=WEEKLY;BYDAY=MO,FR", "every Monday and Friday"],
  ["every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"],
  ["every mon-fri", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"],
  ["every fri-mon", "FREQ=WEEKLY;BYDAY=FR,SA,SU,MO", "every Monday, Friday, Saturday and Sunday"],
  ["every weekend", "FREQ=WEEKLY;BYDAY=SA,SU", "every Saturday and Sunday"],
  ["every 2 weeks on monday and thursday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "every other week on Monday and Thursday"],
  ["every 3 weeks on Tuesday", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU"],
  ["every month", "FREQ=MONTHLY"],
  ["every month on the 15th", "FREQ=MONTHLY;BYMONTHDAY=15"],
  ["every 1st and 15th", "FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on the 1st and 15th"],
  ["every last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"],
  ["every last Friday", "FREQ=MONTHLY;BYDAY=-1FR", "every last Friday of the month"],
  ["every first and third monday", "FREQ=MONTHLY;BYDAY=1MO,3MO", "every first and third Monday of the month"],
  ["every first workday", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "every first weekday of the month"],
  ["every last weekday of the month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"],
  ["every other month on the last Friday", "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR"],
  ["every quarter", "FREQ=MONTHLY;INTERVAL=3", "every 3 months"],
  ["every year on 3 March", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3"],
  ["every march 3rd", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3", "every year on 3 March"],
  ["every last Friday of March", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1FR", "every year on the last Friday of March"],
  ["every year", "FREQ=YEARLY"],
  ["every week, 10 times", "FREQ=WEEKLY;COUNT=10"],
  ["every day, until 3 Mar 2027", "FREQ=DAILY;UNTIL=20270303"],
  ["last friday of the month", "FREQ=MONTHLY;BYDAY=-1FR", "every last Friday of the month"],
];

for (const [phrase, rule, words = phrase] of PHRASES) {
  test(`${phrase}: there and back`, () => {
    assert.deepEqual(fromWords(phrase), { rule, from: "due" });
    assert.equal(inWords(rule), words);
    assert.equal(writeRule(readRule(rule)!), rule);
    const back = fromWords(inWords(rule))?.rule ?? "";
    // The order of the days says nothing.
    const sorted = (text: string) => text.replace(/BYDAY=([^;]+)/, (_, days: string) => days.split(",").sort().join());
    assert.equal(sorted(back), sorted(rule));
  });
}

test("a task goes on from the day on which it was done", () => {
  assert.deepEqual(fromWords("every 3 days after completion"), { rule: "FREQ=DAILY;INTERVAL=3", from: "completion" });
  assert.deepEqual(fromWords("every! 3 days"), { rule: "FREQ=DAILY;INTERVAL=3", from: "completion" });
  assert.equal(inWords({ rule: "FREQ=DAILY;INTERVAL=3", from: "completion" }), "every 3 days after completion");
});

test("what is no repetition, or has more words, is not understood", () => {
  for (const text of ["", "every", "sometimes", "every day on the 15th", "every blue moon", "every 0 days", "every day please", "every 30 February", "every other weekday"]) {
    assert.equal(fromWords(text), undefined, text);
  }
});

test("rules of other apps that have no simple words are called custom", () => {
  for (const rule of ["FREQ=MONTHLY;BYMONTHDAY=-2", "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1", "FREQ=DAILY;BYMONTH=1", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "FREQ=HOURLY", "nonsense"]) {
    assert.equal(inWords(rule), "on a custom schedule", rule);
  }
});

test("a day that a month lacks is its last one, as on the server", () => {
  const of = (rule: string, anchor: string, many: number) => dates(readRule(rule)!, anchor, anchor, many);
  assert.deepEqual(of("FREQ=MONTHLY", "2027-01-31", 4), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
  assert.deepEqual(of("FREQ=MONTHLY;SKIP=OMIT", "2027-01-31", 3), ["2027-01-31", "2027-03-31", "2027-05-31"]);
  assert.deepEqual(of("FREQ=YEARLY", "2028-02-29", 3), ["2028-02-29", "2029-02-28", "2030-02-28"]);
  assert.deepEqual(of("FREQ=MONTHLY;BYMONTHDAY=30,31", "2027-02-01", 3), ["2027-02-28", "2027-03-30", "2027-03-31"]);
});

test("a series ends, and is as long as it says", () => {
  assert.deepEqual(dates(readRule("FREQ=DAILY;COUNT=2")!, "2027-01-01", "2027-01-01", 9), ["2027-01-01", "2027-01-02"]);
  assert.deepEqual(dates(readRule("FREQ=DAILY;COUNT=3")!, "2027-01-01", "2027-01-03", 9), ["2027-01-03"]);
  assert.deepEqual(dates(readRule("FREQ=DAILY;UNTIL=20270102")!, "2027-01-01", "2027-01-01", 9), ["2027-01-01", "2027-01-02"]);
});

test("a new series begins on the first day that its rule allows", () => {
  assert.equal(firstDate(readRule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")!, "2026-12-02"), "2026-12-08");
  assert.equal(firstDate(readRule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;SKIP=OMIT")!, "2026-12-02"), "2028-02-29");
  assert.equal(firstDate(readRule("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2;SKIP=OMIT")!, "2026-12-02"), undefined);
});

test("dates agree with ical.js on 600 rules", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  const some = (all: (string | number)[]) => all.filter(() => random(4) === 0);
  const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
  let compared = 0;
  while (compared < 600) {
    const freq = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][random(4)]!;
    const parts = [`FREQ=${freq}`, `INTERVAL=${1 + random(4)}`];
    // ical.js does not expand every combination; these it does.
    const kind = random(3);
    if (freq === "WEEKLY" && kind > 0) parts.push(`BYDAY=${some(days).join() || "FR"}`);
    if (freq === "MONTHLY" && kind === 1) parts.push(`BYDAY=${[-1, 1, 2, 3, 4][random(5)]}${days[random(7)]}`);
    if (freq === "MONTHLY" && kind === 2) parts.push(`BYMONTHDAY=${some([1, 5, 15, 28, -1]).join() || "9"}`);
    if (freq === "YEARLY" && kind === 1) parts.push(`BYMONTH=${1 + random(12)}`, `BYMONTHDAY=${1 + random(28)}`);
    if (freq === "YEARLY" && kind === 2) parts.push(`BYMONTH=${1 + random(12)}`, `BYDAY=${[-1, 1, 2, 3][random(4)]}${days[random(7)]}`);
    const rule = parts.join(";");
    const anchor = `20${27 + random(9)}-0${1 + random(9)}-${10 + random(18)}`;
    const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromDateString(anchor));
    const expected: string[] = [];
    for (let next = iterator.next(); next && expected.length < 12; next = iterator.next()) expected.push(next.toString());
    assert.deepEqual(dates(readRule(rule)!, anchor, anchor, 12), expected, `${rule} from ${anchor}`);
    compared += 1;
  }
});
