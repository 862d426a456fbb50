// The dates of ical.js. A line in: {rule, anchor, limit}; a line out: ["2026-01-31", …].

import ICAL from "ical.js";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { rule, anchor, limit } = JSON.parse(line);
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromDateString(anchor));
  const dates = [];
  for (let date; dates.length < limit && (date = iterator.next()); ) dates.push(date.toString());
  console.log(JSON.stringify(dates));
}
