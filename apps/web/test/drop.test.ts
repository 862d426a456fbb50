import assert from "node:assert/strict";
import { test } from "node:test";
import { dropAt, withoutBranch } from "../lib/drop.ts";

type Line = Parameters<typeof withoutBranch>[0][number];

/** "1a 2b 1c" */
const lines = (text: string) => text.split(" ").map((word) => ({ level: Number(word[0]), task: { id: word.slice(1) } }) as Line);

test("a row is dropped where it is held, as deep as the rows beside it allow", () => {
  const rows = lines("1a 2b 3c 1d");
  const at = (gap: number, level: number) => {
    const { parent_id, after } = dropAt(rows, gap, level);
    return `${parent_id ?? "-"} ${after ?? "-"}`;
  };
  assert.equal(at(0, 1), "- -");
  assert.equal(at(0, 5), "- -");
  assert.equal(at(1, 1), "a -", "between a task and its subtask is nothing but a subtask");
  assert.equal(at(2, 2), "b -", "nothing comes between a task and its own subtask");
  assert.equal(at(3, 3), "b c");
  assert.equal(at(3, 2), "a b");
  assert.equal(at(3, 1), "- a");
  assert.equal(at(3, 9), "c -");
  assert.equal(at(4, 1), "- d");
  assert.equal(at(4, 2), "d -");
  assert.equal(at(4, 0), "- d");
});

test("what is dragged takes along what is below it, and cannot go there", () => {
  const kept = withoutBranch(lines("1a 2b 3c 2d 1e 2f"), new Set(["b", "e"]));
  assert.deepEqual(kept.map(({ task }) => task.id), ["a", "d"]);
});
