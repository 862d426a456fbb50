import { expect, test } from "vitest";
import type { Task } from "../src/index.js";
import { Memory } from "../src/memory.js";

test("a thousand tasks are kept, and the longest unused goes first", () => {
  const memory = new Memory<Task>();
  const keep = (id: number) => memory.keep({ id: `${id}`, version: 1 } as Task);
  for (let id = 1; id <= 1000; id += 1) keep(id);
  expect(memory.get("1")).toMatchObject({ id: "1" });
  keep(1001);
  keep(1001);
  expect(memory.get("2")).toBeUndefined();
  expect(memory.get("1")).toBeDefined();
  expect(memory.get("3")).toBeDefined();
});
