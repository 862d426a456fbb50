import assert from "node:assert/strict";
import { test } from "node:test";
import { returnPath } from "../lib/return-path.ts";

test("a sign-in leads to a place of this app, and nowhere else", () => {
  assert.equal(returnPath("/upcoming?view=month&from=2026-12-01"), "/upcoming?view=month&from=2026-12-01");
  assert.equal(returnPath(["/inbox?tag=home", "/done"]), "/inbox?tag=home");
  const hostile = ["//evil.example", "/\\evil.example", "/%2f/evil.example", "https://evil.example", "/today//evil.example", "/@evil.example", "/lists/..", "/\t/evil.example", "javascript:alert(1)"];
  for (const to of hostile) assert.equal(returnPath(to), "/", to);
});
