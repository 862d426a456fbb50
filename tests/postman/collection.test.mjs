// What can be said of the collection without sending it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COLLECTION_FILE, ENVIRONMENT_FILE, collection, environment, requests, walk } from "./support/collection.mjs";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const script = (item, listen) =>
  (item.event ?? []).filter((one) => one.listen === listen).flatMap((one) => one.script.exec).join("\n");

test("the files are as JSON.stringify writes them, and have nothing of an export", () => {
  for (const [path, data] of [[COLLECTION_FILE, collection], [ENVIRONMENT_FILE, environment]]) {
    const text = readFileSync(path, "utf8");
    assert.equal(text, `${JSON.stringify(data, null, 2)}\n`, `${path}: npm run tidy`);
    assert.doesNotMatch(text, /"_postman_exported_|"_exporter_id"|"_collection_link"/, `${path}: npm run tidy`);
  }
  assert.match(collection.info.schema, /\/v2\.1\.0\/collection\.json$/);
});

test("ids stand once", () => {
  const ids = [...walk()].map(({ item }) => item.id);
  assert.ok(ids.every(Boolean));
  assert.deepEqual(ids.filter((id, at) => ids.indexOf(id) !== at), []);
});

test("names stand once, because setNextRequest goes by name", () => {
  const names = requests().map(({ item }) => item.name);
  assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
});

test("no token, password or secret is in the files", () => {
  for (const { key, value, type } of environment.values) {
    if (/token|password|secret/.test(key)) assert.deepEqual([key, value, type], [key, "", "secret"]);
  }
  for (const { key, value } of collection.variable) assert.equal(value, "", key);
  assert.doesNotMatch(readFileSync(COLLECTION_FILE, "utf8"), /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/);
});

test("everything is described, and every request has a test of its own", () => {
  for (const { path, item } of walk()) {
    assert.ok(item.request ? item.request.description : item.description, path);
    if (item.request) assert.match(script(item, "test"), /pm\.test\(/, path);
  }
});

test("every method of every address has an example of its answer", () => {
  const shown = requests().filter(({ item }) => item.response.length > 0);
  const missing = operations().filter(
    (operation) => operation.under && !shown.some(({ item }) => operation.is(item.request, "short")),
  );
  assert.deepEqual(missing.map(({ name }) => name), []);
  for (const { path, item } of shown) {
    for (const example of item.response) {
      assert.ok(example.code && example.status && example.originalRequest, `${path}: npm run examples`);
    }
  }
});

/** The operations of the OpenAPI document. */
function operations() {
  const { paths } = JSON.parse(read("openapi.json"));
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  );
  assert.ok(found.length >= 20, "operations of the document");
  return found.map(({ path, method }) => {
    const pattern = new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/?]+")}$`);
    // Under a user's path the responses are the same, so examples of the short path are enough.
    const under = path.startsWith("/api/") && !path.includes("{owner_id}");
    // A stream has no end, so only its headers are requested.
    const used = path.endsWith("/stream") ? "HEAD" : method;
    const is = (request) =>
      request.method === used &&
      request.url.host[0] === "{{base_url}}" &&
      pattern.test(`/${request.url.path.join("/")}`);
    return { name: `${method} ${path}`, under, is };
  });
}

test("every operation of the OpenAPI document is used", () => {
  const unused = operations().filter((one) => !requests().some(({ item }) => one.is(item.request)));
  assert.deepEqual(unused.map(({ name }) => name), []);
});

/** Codes that no client can cause at will, and why. */
const UNREACHABLE = {
  token_not_yet_valid: "only who signs tokens can make one",
  invalid_claims: "only who signs tokens can make one",
  request_timeout: "Postman sends whole bodies",
  rate_limited: "a limit is off unless it is set",
  sync_reset: "a restore, or a client that was away for long",
  quota_exceeded: "100,000 tasks",
  too_many_streams: "Postman opens no streams",
  too_many_imports: "Postman sends one request at a time",
  internal: "a bug",
  database_unavailable: "an outage",
  insufficient_scope: "a token of another program, and a server that takes such",
  overloaded: "an outage",
  keys_unavailable: "an outage",
  deadline_exceeded: "an outage",
};

test("every code that a client can cause is caused", () => {
  const table = read("docs/API.md").split("\n## Errors\n")[1].split("\n## ")[0];
  const codes = [...table.matchAll(/^\| \d{3} \| `(\w+)` \|/gm)].map(([, code]) => code);
  assert.ok(codes.length > 25, "codes of the document");
  const tests = requests().map(({ item }) => script(item, "test")).join("\n");
  const missing = codes.filter((code) => !(code in UNREACHABLE) && !tests.includes(`"${code}"`));
  assert.deepEqual(missing, []);
  assert.deepEqual(Object.keys(UNREACHABLE).filter((code) => !codes.includes(code)), []);
});
