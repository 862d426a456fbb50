// A thousand connections of slowhttptest that send or read as slowly as they can must not
// keep other clients from being served.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { token } from "./support/client.mjs";
import { directory, find, number, start, table } from "./support/programs.mjs";
import { todoward } from "./support/servers.mjs";

const CONNECTIONS = number("CONNECTIONS", 1000);
const SECONDS = number("SLOW_SECONDS", 12);

/** slowhttptest sends a cookie as it is, so it can carry another header. */
const authorized = ["-j", `a=b\r\nAuthorization: Bearer ${token("slow")}`];

const ways = {
  "slow heads": ["-H", "-i", "2", "-u", "/api/v1/tasks"],
  "slow bodies": ["-B", "-i", "2", "-s", "8192", "-f", "application/json", ...authorized, "-u", "/api/v1/tasks"],
  "slow readers": ["-X", "-w", "1", "-y", "16", "-n", "2", "-z", "8", "-k", "1", ...authorized, "-u", "/api/v1/tasks?limit=50"],
};

test(`${CONNECTIONS} slow connections, and whoever asks as one should is served`, async (t) => {
  const slowhttptest = find("slowhttptest");
  const rows = [];
  for (const [way, given] of Object.entries(ways)) {
    await t.test(way, async (t) => {
      const server = await todoward(t, "sqlite://todoward.db");
      // A page of 50 of these does not fit into the buffer of a socket.
      const long = { title: "long", description: "x".repeat(10_000) };
      for (let n = 0; n < 50; n += 1) {
        const made = await server.call("POST", "/api/v1/tasks", { as: token("slow"), body: long });
        assert.equal(made.status, 201);
      }
      const log = `${directory(t)}/log`;
      const at = given.map((word) => (word.startsWith("/api") ? server.url + word : word));
      const attack = start(t, slowhttptest, ["-c", `${CONNECTIONS}`, "-r", `${CONNECTIONS / 4}`, "-l", `${SECONDS}`, "-p", "3", ...at], { log });
      const times = [];
      let over = false;
      attack.ended.then(() => (over = true));
      while (!over) {
        const begun = performance.now();
        const answers = await Promise.all([
          server.create("quick"),
          server.get("/api/v1/tasks?limit=1"),
          server.get("/health/ready"),
        ]);
        times.push(performance.now() - begun);
        const statuses = answers.map((answer) => answer.status);
        assert.deepEqual(statuses, [201, 200, 200], JSON.stringify(answers));
      }
      const said = attack.log().replaceAll(/\x1b\[[0-9;]*m/g, "");
      // Slow readers are left out: so much is unread that further requests of their user are refused, and
      // slowhttptest calls that unavailable.
      if (way !== "slow readers") {
        assert.match(said, /service available: +YES/, said);
        assert.doesNotMatch(said, /service available: +NO/);
      }
      const connected = Math.max(...[...said.matchAll(/connected: +(\d+)/g)].map(([, count]) => Number(count)));
      assert.ok(connected >= CONNECTIONS / 4, `only ${connected} slow connections at a time`);
      assert.ok(times.length > 20, `only ${times.length} rounds`);
      times.sort((a, b) => a - b);
      const of = (part) => `${times[Math.floor(times.length * part)].toFixed(0)} ms`;
      const status = readFileSync(`/proc/${server.child.pid}/status`, "utf8");
      const mebibytes = Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024);
      // The unread answers would be 500 MiB.
      assert.ok(mebibytes < 128, `${mebibytes} MiB: unread answers are not bounded`);
      const peak = `${mebibytes} MiB`;
      rows.push({ way, rounds: times.length, median: of(0.5), p99: of(0.99), failed: 0, peak });
    });
  }
  table("Three requests beside slow connections", rows);
});
