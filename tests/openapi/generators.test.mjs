// Clients that generators make of openapi.json, and a call of each to the real binary.
// The one of openapi-typescript is in clients/typescript, and tested there.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { BINARY, DOCUMENT, npx, python, run } from "./support/programs.mjs";

const SECRET = "j4Zt0nQ8cV1yXoR6mWq2LhKs9uBfPd3E-generators";

/** A server with one task, whose token it is, and a directory that goes with the test. */
async function start(t) {
  const variables = { BETTER_AUTH_SECRET: SECRET };
  const server = await serveReady(t, variables);
  const token = run(BINARY, ["token", "--sub", "alice"], variables).trim();
  assert.equal((await server.create(token, "Buy milk")).status, 201);
  const directory = mkdtempSync(join(tmpdir(), "todoward-generated-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return { url: server.url, token, directory };
}

test("what @hey-api/openapi-ts makes compiles, and lists tasks", async (t) => {
  const { url, token, directory } = await start(t);
  const [made, compiled] = [join(directory, "client"), join(directory, "compiled")];
  npx("openapi-ts", ["--input", DOCUMENT, "--output", made, "--no-log-file"]);
  const options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable"];
  npx("tsc", [...options, "--outDir", compiled, join(made, "index.ts"), join(made, "client.gen.ts")]);
  const load = createRequire(join(compiled, "index.js"));
  const { client } = load("./client.gen.js");
  client.setConfig({ baseUrl: url, auth: token });
  const { data, response } = await load("./index.js").listTasks({ query: { tag: [], completed: false } });
  assert.equal(response.status, 200);
  assert.deepEqual(data.items.map(({ title }) => title), ["Buy milk"]);
});

test("what openapi-python-client makes is imported, and lists tasks", async (t) => {
  const { url, token, directory } = await start(t);
  const made = join(directory, "todoward_client");
  // The generator does not know the media types of the files, and is told to treat them as bytes.
  const config = join(import.meta.dirname, "openapi-python-client.json");
  const options = ["--meta", "none", "--fail-on-warning", "--config", config, "--output-path", made];
  python("openapi-python-client", ["generate", "--path", DOCUMENT, ...options]);
  const said = python("python", ["list_tasks.py", url, token], { PYTHONPATH: directory });
  assert.equal(said, "Buy milk\n");
});
