import assert from "node:assert/strict";
import { test } from "node:test";
import * as chrono from "chrono-node/en";
import { addDays as dayAfter, dayName, describeDue, describePast, fullDate, longDay, monthName, todayHere, todayIn } from "../lib/dates.ts";
import { addDays, addMonths, inZone, nthWeekday, startOfWeek, weekdayAfter } from "../lib/language/calendar.ts";
import { understand } from "../lib/language/quick-add.ts";

// What nobody reads differently, compared with an independent reader. chrono-node itself is not in the app: it takes
// "sat" in "the cat sat" for a day and knows no repetition.
const PLAIN = [
  "today",
  "tomorrow",
  "tomorrow at 5pm",
  "in 3 days",
  "in two weeks",
  "in 5 weeks",
  "in 2 months",
  "in a year",
  "on 3 March",
  "3 March 2027",
  "March 3rd, 2027",
  "on 25 December at 18:30",
  "Dec 25",
  "2027-02-28",
  "2027-02-28 14:00",
  "on Sunday",
  "on Monday at 9am",
  "on Tuesday at 12:15",
  "at noon",
  "11:45pm",
];

for (const text of PLAIN) {
  test(`chrono-node reads "${text}" in the same way`, () => {
    // Around leap days, ends of months and years; mornings, so that every time of the day is still to come.
    for (const start of ["2026-12-02", "2027-01-31", "2028-02-28", "2028-02-29", "2027-12-31", "2027-06-30"]) {
      const now = new Date(`${start}T00:05:00Z`);
      const { due_date, due_time } = understand(`x ${text}`, { now, zone: "UTC", weekStart: 1 }).fields;
      const [read] = chrono.casual.parse(text, { instant: now, timezone: 0 }, { forwardDate: true });
      assert.ok(read, text);
      const day = [read.start.get("year"), read.start.get("month"), read.start.get("day")].map((one) => String(one).padStart(2, "0")).join("-");
      // chrono-node has no last day: two months after 29 December are 1 March.
      if (/month|year/.test(text) && Number(start.slice(8)) > 28) continue;
      // What is over stays in the title here.
      if (day < start) continue;
      // A weekday is the next one here, and may be today there.
      if (/day\b/.test(text) && day === start && !/today/.test(text)) continue;
      assert.equal(due_date, day, start);
      if (read.start.isCertain("hour")) {
        assert.equal(due_time, `${String(read.start.get("hour")).padStart(2, "0")}:${String(read.start.get("minute")).padStart(2, "0")}`);
      }
    }
  });
}

test("a month later than the 31st is the last day", () => {
  assert.equal(addMonths("2027-01-31", 1), "2027-02-28");
  assert.equal(addMonths("2028-01-31", 1), "2028-02-29");
  assert.equal(addMonths("2027-03-31", -1), "2027-02-28");
  assert.equal(addMonths("2027-12-31", 14), "2029-02-28");
});

test("calendar days know no clock", () => {
  assert.equal(addDays("2027-03-27", 2), "2027-03-29");
  assert.equal(startOfWeek("2026-12-06", 1), "2026-11-30");
  assert.equal(startOfWeek("2026-12-06", 0), "2026-12-06");
  assert.equal(weekdayAfter("2026-12-04", 5), "2026-12-11");
  assert.equal(nthWeekday(2026, 12, 5, -1), "2026-12-25");
  assert.equal(nthWeekday(2026, 12, 5, 5), undefined);
  assert.deepEqual(inZone(new Date("2026-12-31T23:59:00Z"), "Asia/Kathmandu"), { day: "2027-01-01", time: "05:44" });
});

test("a day is said as people say it, and its year only where it is another one", () => {
  const now = "2026-11-30";
  const said = (day: string) => describeDue(day, now).text;
  const days = ["2026-10-24", "2026-11-29", now, "2026-12-01", "2026-12-03", "2026-12-07", "2027-01-02"];
  assert.deepEqual(days.map(said), ["37 days ago", "Yesterday", "Today", "Tomorrow", "Thursday", "7 Dec", "2 Jan 2027"]);
  assert.deepEqual([now, "2026-11-29", "2026-11-04", "2025-12-31"].map((day) => describePast(day, now)), ["today", "yesterday", "on 4 Nov", "on 31 Dec 2025"]);
});

test("days are named as British English has them", () => {
  const intl = (day: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(Date.parse(day));
  for (let at = 0; at < 400; at += 1) {
    const day = dayAfter("2026-11-30", at);
    assert.equal(longDay(day), intl(day, { weekday: "long", day: "numeric", month: "long" }));
    assert.equal(fullDate(day), intl(day, { weekday: "short", day: "numeric", month: "long", year: "numeric" }));
    assert.equal(monthName(day), intl(day, { month: "long", year: "numeric" }));
    assert.equal(dayName(day, "short"), intl(day, { weekday: "short" }));
    assert.equal(dayName(day, "long"), intl(day, { weekday: "long" }));
    if (at > 6) assert.equal(describeDue(day, "2026-11-30").text, intl(day, { day: "numeric", month: "short", year: day < "2027" ? undefined : "numeric" }));
  }
});

test("today is the same day by the clock of the device and by its zone", () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (let hour = 0; hour < 24 * 400; hour += 7) {
    const now = new Date(Date.UTC(2026, 10, 30, hour, 59));
    assert.equal(todayHere(now), todayIn(zone, now));
  }
});
