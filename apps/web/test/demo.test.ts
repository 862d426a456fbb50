import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const DEMO = fileURLToPath(new URL("../scripts/demo.mjs", import.meta.url));

async function demo(variables: Record<string, string>) {
  const child = spawn(process.execPath, ["--no-warnings", DEMO], { env: { ...process.env, ...variables } });
  let said = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  child.stderr.on("data", (bytes) => (said += bytes));
  const [code] = await once(child, "close");
  return { code, said };
}

async function taken() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: String((server.address() as { port: number }).port), close: () => server.close() };
}

async function free() {
  const { port, close } = await taken();
  close();
  return port;
}

test("the demo says what to do about a port that is taken", async () => {
  const { port, close } = await taken();
  const first = await demo({ PORT: port });
  assert.equal(first.code, 1);
  assert.match(first.said, new RegExp(`^Port ${port} is taken by another program. .*PORT=3001 npm run demo\\s*$`));
  const second = await demo({ PORT: await free(), TODOWARD_PORT: port });
  assert.match(second.said, /TODOWARD_PORT=8081 npm run demo\s*$/);
  close();
});

test("the demo says that the program it was told is not there", async () => {
  const { code, said } = await demo({ PORT: await free(), TODOWARD_PORT: await free(), TODOWARD_BIN: "/nowhere/todoward" });
  assert.equal(code, 1);
  assert.equal(said.trim(), 'TODOWARD_BIN is "/nowhere/todoward", and there is no such program.');
});

test("the demo says where Todoward can be had from", async () => {
  const { code, said } = await demo({ PORT: await free(), TODOWARD_PORT: await free(), TODOWARD_BIN: "", PATH: "/nowhere" });
  assert.equal(code, 1);
  assert.match(said, /^There is no Todoward: install it, name it with TODOWARD_BIN=/);
});
