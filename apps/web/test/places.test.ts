import assert from "node:assert/strict";
import { test } from "node:test";
import { at, isNarrowed, NO_FILTERS, parseAddress, samePlace, TODAY, writeAddress } from "../lib/places.ts";

const ID = "01890000-0000-7000-8000-000000000001";

test("every address that is written is read again", () => {
  for (const path of [
    "/",
    "/inbox",
    "/upcoming?view=month&from=2026-12-01",
    "/all?q=two+words&tag=%23odd%26&priority=none&due=week&sort=-priority",
    `/lists/${ID}?task=${ID}`,
    "/done",
    "/trash",
    "/settings",
  ]) {
    const [pathname = "", search = ""] = path.split("?");
    const address = parseAddress(pathname, search);
    assert.ok(address, path);
    assert.equal(writeAddress(address), path);
  }
});

test("Today has two addresses, of which one is written", () => {
  assert.deepEqual(parseAddress("/today", ""), TODAY);
  assert.equal(writeAddress(TODAY), "/");
});

test("what is no place is none", () => {
  for (const path of ["/nowhere", "/lists", "/lists/1", `/lists/${ID}/x`, "/constructor", "//evil.example", "/\\evil.example"]) {
    assert.equal(parseAddress(path, ""), null, path);
  }
});

test("what is not understood in a query is left out", () => {
  const address = parseAddress("/all", "task=1&priority=toString&due=never&sort=constructor&view=year&from=2026-02-30");
  assert.deepEqual(address, at({ kind: "all" }));
});

test("places are the same whatever is open or filtered in them", () => {
  assert.ok(samePlace({ kind: "list", id: ID }, { kind: "list", id: ID }));
  assert.ok(!samePlace({ kind: "inbox" }, { kind: "list", id: ID }));
});

test("an order hides nothing, and neither does a space", () => {
  assert.ok(!isNarrowed({ ...NO_FILTERS, sort: "title", q: " " }));
  assert.ok(isNarrowed({ ...NO_FILTERS, due: "none" }));
});

test("a day at either end of time is none, because its week cannot be shown", () => {
  for (const from of ["0000-01-01", "0001-01-01", "1969-12-31", "9999-12-31", "2026-02-30", "x"]) assert.equal(parseAddress("/upcoming", `?from=${from}`)?.from, null);
  for (const from of ["1970-01-01", "9998-12-31"]) assert.equal(parseAddress("/upcoming", `?from=${from}`)?.from, from);
});
