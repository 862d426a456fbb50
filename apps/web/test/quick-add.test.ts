import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Context, type QuickFields, understand } from "../lib/language/quick-add.ts";

const CONTEXT: Context = {
  now: new Date("2026-12-02T09:00:00Z"),
  zone: "Europe/Vienna",
  weekStart: 1,
  tags: ["home", "Work", "to buy"],
  lists: [
    { id: "g", name: "Garden" },
    { id: "h", name: "Home renovation" },
  ],
};

const fieldsOf = (text: string, context: Partial<Context> = {}) => understand(text, { ...CONTEXT, ...context }).fields;
const labels = (text: string, context: Partial<Context> = {}) => understand(text, { ...CONTEXT, ...context }).parts.map(({ label }) => label);

function written({ title, due_date, due_time, time_zone, priority, tags = [], list_id, recurrence }: QuickFields): string {
  const rule = recurrence && recurrence.rule + (recurrence.from === "completion" ? " from completion" : "");
  const marks = [priority && `!${priority}`, ...tags.map((tag) => `#${tag}`), list_id !== undefined && `/${list_id}`];
  const rest = [due_date, due_time, time_zone, ...marks, rule].filter(Boolean).join(" ");
  return rest ? `${title} | ${rest}` : title;
}

const sentences = readFileSync(new URL("sentences.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.includes(" → ") && !line.startsWith("# "))
  .map((line) => line.split(" → ") as [string, string]);

test("there are enough sentences", () => assert.ok(sentences.length > 150));

for (const [sentence, expected] of sentences) {
  test(sentence, () => assert.equal(written(fieldsOf(sentence)), expected));
}

test("nothing is lost: the parts and the title together are all the words", () => {
  for (const [sentence] of sentences) {
    const { fields, parts } = understand(sentence, CONTEXT);
    let rest = sentence;
    for (const { from, to } of parts.toReversed()) rest = rest.slice(0, from) + rest.slice(to);
    const words = (text: string) => text.match(/[\p{L}\p{N}]+/gu) ?? [];
    assert.deepEqual(words(fields.title), words(rest), sentence);
  }
});

test("parts do not overlap, and none begins or ends with a space", () => {
  for (const [sentence] of sentences) {
    let end = 0;
    for (const { from, to } of understand(sentence, CONTEXT).parts) {
      assert.ok(from >= end && to > from, sentence);
      // "tomorrow morning": the space belongs to the second part.
      assert.equal(sentence.slice(from, to).trimEnd(), sentence.slice(from, to));
      end = to;
    }
  }
});

test("every chip says what it stands for", () => {
  assert.deepEqual(labels("call mum tomorrow 5pm #Home !high"), ["Tomorrow", "17:00", "home", "High priority"]);
  assert.deepEqual(labels("gym every other tuesday at 7"), ["Every other Tuesday, from Tue 8 Dec", "07:00"]);
  assert.deepEqual(labels("call at 9"), ["Tomorrow 09:00"]);
  assert.deepEqual(labels("standup 9am PST friday"), ["09:00 Los Angeles time", "Fri 4 Dec"]);
  assert.deepEqual(labels("pay every month until 3 March /garden"), ["Every month, from today", "Until Wed 3 Mar 2027", "Garden"]);
  assert.deepEqual(labels("party tonight"), ["Today 18:00"]);
  assert.deepEqual(labels("Pay p4"), ["No priority"]);
});

test("a chip that is removed gives its words back to the title", () => {
  const text = "Call Tom tomorrow 5pm #home";
  const { parts } = understand(text, CONTEXT);
  const literal = parts.slice(0, 1).map(({ from, to }) => text.slice(from, to));
  assert.equal(written(fieldsOf(text, { literal })), "Call Tom tomorrow | 2026-12-02 17:00 #home");
  assert.equal(written(fieldsOf(text, { literal: ["tomorrow", "5pm", "#home"] })), text);
  assert.equal(written(fieldsOf("pay every last Friday", { literal: ["every last Friday"] })), "pay every last Friday");
});

test("the day is the user's, not the server's", () => {
  const now = new Date("2026-12-02T23:30:00Z");
  assert.equal(fieldsOf("pay today", { now, zone: "Pacific/Auckland" }).due_date, "2026-12-03");
  assert.equal(fieldsOf("pay today", { now, zone: "America/Los_Angeles" }).due_date, "2026-12-02");
  assert.equal(fieldsOf("pay today", { now, zone: "Pacific/Kiritimati" }).due_date, "2026-12-03");
});

test("hours from now are counted through a change of the clocks", () => {
  // At 01:30 in Vienna on 28 March 2027; at two it is three.
  const spring = { now: new Date("2027-03-28T00:30:00Z") };
  assert.equal(written(fieldsOf("check in 2 hours", spring)), "check | 2027-03-28 04:30");
  // At 01:30 on 31 October; at three it is two again.
  const autumn = { now: new Date("2027-10-30T23:30:00Z") };
  assert.equal(written(fieldsOf("check in 2 hours", autumn)), "check | 2027-10-31 02:30");
  assert.equal(written(fieldsOf("check in 24 hours", autumn)), "check | 2027-11-01 00:30");
  assert.equal(written(fieldsOf("check tomorrow at 02:30", { now: new Date("2027-03-27T12:00:00Z") })), "check | 2027-03-28 02:30");
});

test("days are days, whatever the clocks do on them", () => {
  assert.equal(fieldsOf("pay tomorrow", { now: new Date("2027-03-27T23:30:00Z") }).due_date, "2027-03-29");
  assert.equal(fieldsOf("pay in 7 days", { now: new Date("2026-10-24T22:30:00Z") }).due_date, "2026-11-01");
});

test("a time elsewhere is the next one there", () => {
  // It is 10:00 in Vienna, 18:00 in Tokyo, 01:00 in Los Angeles.
  assert.equal(written(fieldsOf("call at 17:00 Tokyo time")), "call | 2026-12-03 17:00 Asia/Tokyo");
  assert.equal(written(fieldsOf("call at 9am PST")), "call | 2026-12-02 09:00 America/Los_Angeles");
});

test("next week depends on where the week begins", () => {
  const sunday = new Date("2026-12-06T09:00:00Z");
  assert.equal(fieldsOf("pay next week", { now: sunday, weekStart: 1 }).due_date, "2026-12-07");
  assert.equal(fieldsOf("pay next week", { now: sunday, weekStart: 0 }).due_date, "2026-12-14");
  assert.equal(fieldsOf("pay next sunday", { weekStart: 1 }).due_date, "2026-12-13");
  assert.equal(fieldsOf("pay next sunday", { weekStart: 0 }).due_date, "2026-12-06");
  assert.equal(fieldsOf("pay next saturday", { weekStart: 6 }).due_date, "2026-12-05");
});

test("where a week begins is in a rule where it matters, and only there", () => {
  const rule = (text: string, weekStart: number) => fieldsOf(text, { weekStart }).recurrence?.rule;
  assert.equal(rule("pay every 2 weeks on sun and mon", 0), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU");
  assert.equal(rule("pay every 2 weeks on sun and mon", 1), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU");
  assert.equal(rule("pay every other sunday", 0), "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU");
});

test("a day and a month in digits stand as in the user's country", () => {
  assert.equal(fieldsOf("pay on 3/4", { dateOrder: "mdy" }).due_date, "2027-03-04");
  assert.equal(fieldsOf("pay 3/4/2027", { dateOrder: "mdy" }).due_date, "2027-03-04");
  assert.equal(fieldsOf("pay 3.4.2027", { dateOrder: "mdy" }).due_date, "2027-04-03");
  assert.equal(fieldsOf("pay 25/12/2027", { dateOrder: "mdy" }).due_date, "2027-12-25");
});

test("where clocks have twelve hours, 5:30 is in the afternoon", () => {
  assert.equal(fieldsOf("call at 5:30", { clock: "12" }).due_time, "17:30");
  assert.equal(fieldsOf("call at 05:30", { clock: "12" }).due_time, "05:30");
  assert.equal(fieldsOf("call at 8:30", { clock: "12" }).due_time, "08:30");
});

test("a weekday is never today, unless it is this one", () => {
  const now = new Date("2026-12-04T09:00:00Z");
  assert.equal(fieldsOf("pay friday", { now }).due_date, "2026-12-11");
  assert.equal(fieldsOf("pay this friday", { now }).due_date, "2026-12-04");
  assert.equal(fieldsOf("pay every friday", { now }).due_date, "2026-12-04");
  assert.equal(fieldsOf("pay every friday at 9:00", { now }).due_date, "2026-12-11");
});

test("an existing tag keeps its spelling, in whichever case it is typed", () => {
  assert.deepEqual(fieldsOf("#WORK #Home #TO BUY x").tags, ["Work", "home", "to buy"]);
  assert.deepEqual(fieldsOf("#2027 x", { tags: ["2027"] }).tags, ["2027"]);
  assert.deepEqual(fieldsOf("x #cafe\u0301 #caf\u00e9", { tags: [] }).tags, ["café"]);
  assert.deepEqual(fieldsOf("x #🏠!", { tags: [] }).tags, ["🏠"]);
});

test("more tags than a task can have stay words, and so does one that is too long", () => {
  const many = Array.from({ length: 51 }, (_, at) => `#t${String.fromCharCode(97 + (at % 26))}${at}`);
  const { tags, title } = fieldsOf(`x ${many.join(" ")}`);
  assert.equal(tags?.length, 50);
  assert.equal(title, `x ${many[50]}`);
  assert.equal(fieldsOf(`x #${"a".repeat(61)}`).tags, undefined);
});

test("a series that would end before it begins is none", () => {
  assert.equal(fieldsOf("pay every 5 March until 3 March").recurrence, undefined);
});

test("no line is too strange, and none takes long", () => {
  const strange = ["", "   ", "#", "@", "/", "!", "\u0000", "every", "every every every", "(".repeat(500), "@".repeat(500), "a ".repeat(2000), "every mon, ".repeat(100), "1 ".repeat(500), "5pm ".repeat(200)];
  for (const text of strange) {
    const begin = performance.now();
    understand(text, CONTEXT);
    assert.ok(performance.now() - begin < 1000, text.slice(0, 20));
  }
});
