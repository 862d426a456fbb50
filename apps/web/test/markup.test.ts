import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks, checkCounts, inline, withCheck } from "../lib/language/markup.ts";

const links = (text: string) => inline(text).flatMap(({ text: shown, href }) => (href ? [[shown, href]] : []));

test("links are found in a sentence, without its full stop", () => {
  assert.deepEqual(inline("See https://example.com/a. Then go."), [
    { text: "See " },
    { text: "https://example.com/a", href: "https://example.com/a" },
    { text: ". Then go." },
  ]);
  assert.deepEqual(links("(www.example.com/a_(b))"), [["www.example.com/a_(b)", "https://www.example.com/a_(b)"]]);
  assert.deepEqual(links("[The plan](https://example.com/plan) and bob@example.com"), [
    ["The plan", "https://example.com/plan"],
    ["bob@example.com", "mailto:bob@example.com"],
  ]);
});

test("nothing that runs, or that pretends to lead elsewhere, is a link", () => {
  const bad = ["javascript:alert(1)", "[x](javascript:alert(1))", "data:text/html,<b>", "[x](https://bank.example@evil.example)", "https://bank.example:pass@evil.example", "https://", "vbscript:x", "file:///etc/passwd"];
  for (const text of bad) {
    for (const [, href = ""] of links(text)) assert.match(href, /^mailto:/, text);
  }
});

test("text is kept, whatever is in it", () => {
  for (const text of ["<img src=x onerror=alert(1)>", "a & b < c", "", "https://[", "[x](https://example.com", "\u202ehttps://example.com"]) {
    assert.equal(inline(text).map((one) => one.text).join(""), text);
  }
});

test("bullets, numbers, check items and paragraphs are told apart", () => {
  const note = "Before\ngoing\n\n- tent\n* stove\n\n3. first\n4) second\n- [ ] pack\n- [x] pay\n[ ] call\n-5 degrees";
  assert.deepEqual(blocks(note).map(({ kind }) => kind), ["paragraph", "bullets", "numbers", "checks", "paragraph"]);
  const checks = blocks(note)[3];
  assert.ok(checks?.kind === "checks");
  assert.deepEqual(checks.items.map(({ done, line }) => [done, line]), [[false, 8], [true, 9], [false, 10]]);
  assert.deepEqual(checkCounts(note), { done: 1, total: 3 });
});

test("ticking an item changes its line and nothing else", () => {
  const note = "a\r\n- [ ] b\r\n[x] c";
  assert.equal(withCheck(note, 1, true), "a\r\n- [x] b\r\n[x] c");
  assert.equal(withCheck(note, 2, false), "a\r\n- [ ] b\r\n[ ] c");
  assert.equal(withCheck(note, 0, true), note);
  assert.equal(withCheck(note, 9, true), note);
});

test("a long note takes no long time", () => {
  const begin = performance.now();
  for (const text of ["[".repeat(20_000), "www.".repeat(5_000), "a@".repeat(10_000), ")".repeat(20_000), `https://x/${")".repeat(19_000)}`, "- [ ] x\n".repeat(2_500)]) blocks(text);
  assert.ok(performance.now() - begin < 2_000);
});
