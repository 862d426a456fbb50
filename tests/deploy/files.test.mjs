// Files through each proxy, as deploy/ configures them: larger than any other body.

import { strict as assert } from "node:assert";
import { test } from "node:test";
import { startCaddy, startHaproxy, startNginx } from "./support/proxies.mjs";
import { startBehind } from "./support/replicas.mjs";

const PROXIES = { nginx: startNginx, Caddy: startCaddy, HAProxy: startHaproxy };
const TASKS = 5_000;
const MIB = 1024 * 1024;

for (const [name, startProxy] of Object.entries(PROXIES)) {
  test(`${name}: a large file is imported and exported, one that is too large is a problem`, async (t) => {
    const { proxy, token } = await startBehind(t, startProxy);
    const task = (number) => JSON.stringify({ task: { title: `Task ${number}`, description: "x".repeat(1_500) } });
    const file = Array.from({ length: TASKS }, (_, number) => `${task(number)}\n`).join("");
    assert.ok(file.length > 7 * MIB);
    for (const created of [TASKS, 0]) {
      const done = await proxy.api("POST", "/api/v1/import?format=ndjson", { token, body: file });
      assert.equal(done.status, 200, done.text);
      assert.equal(JSON.parse(done.text).created.tasks, created);
    }
    const exported = await proxy.api("GET", "/api/v1/users/me/export", { token });
    assert.equal(exported.status, 200);
    assert.equal(exported.text.trim().split("\n").length, TASKS);

    const large = "\n".repeat(20 * MIB + 1);
    // The proxy may close the connection while the client still sends; then there is no response.
    const refused = await proxy.api("POST", "/api/v1/import?format=ndjson", { token, body: large }).catch(() => undefined);
    if (refused) {
      assert.equal(refused.status, 413);
      assert.equal(JSON.parse(refused.text).code, "body_too_large");
    }
  });
}
