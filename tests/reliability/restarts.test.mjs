// Two replicas behind a load balancer are restarted in turn, under load.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../better-auth/support/postgres.mjs";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { eventually } from "../better-auth/support/wait.mjs";
import { SECRET, Client } from "./support/client.mjs";
import { Cluster } from "./support/cluster.mjs";
import { Load } from "./support/load.mjs";
import { directory, find, number, start, table } from "./support/programs.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROUNDS = number("ROUNDS", 5);
const RATE = number("RATE", 500);

const BALANCERS = {
  async haproxy(t, ports) {
    const [bind, stats] = [await freePort(), await freePort()];
    const program = start(t, find("haproxy"), ["-db", "-f", join(HERE, "../../deploy/ha/haproxy.cfg")], {
      log: join(directory(t), "log"),
      env: {
        TODOWARD_BIND: `127.0.0.1:${bind}`,
        TODOWARD_STATS: `127.0.0.1:${stats}`,
        TODOWARD_A: `127.0.0.1:${ports[0]}`,
        TODOWARD_B: `127.0.0.1:${ports[1]}`,
      },
    });
    const page = new Client(`http://127.0.0.1:${stats}`);
    const isUp = async (at) => {
      const { data } = await page.call("GET", "/;csv");
      return data.split("\n").some((line) => line.startsWith(`replicas,${"ab"[at]},`) && line.includes(",UP,"));
    };
    return { program, url: `http://127.0.0.1:${bind}`, isUp };
  },
  async nginx(t, ports) {
    const bind = await freePort();
    const prefix = directory(t);
    const values = { BIND: `127.0.0.1:${bind}`, A: `127.0.0.1:${ports[0]}`, B: `127.0.0.1:${ports[1]}` };
    const text = readFileSync(join(HERE, "nginx.conf"), "utf8").replace(/@([A-Z]+)@/g, (_, name) => values[name]);
    writeFileSync(join(prefix, "nginx.conf"), text);
    const given = ["-p", prefix, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"];
    const program = start(t, find("nginx"), given, { log: join(prefix, "log"), end: "SIGQUIT" });
    // nginx tries a replica again a second after a refusal, whatever its health says.
    const since = new Map();
    const isUp = (at) => {
      if (!since.has(at)) since.set(at, Date.now());
      const up = Date.now() - since.get(at) > 1_100;
      if (up) since.delete(at);
      return up;
    };
    return { program, url: `http://127.0.0.1:${bind}`, isUp };
  },
};

for (const [name, balancer] of Object.entries(BALANCERS)) {
  test(`replicas behind ${name} are restarted in turn at ${RATE} requests a second, and no request fails`, async (t) => {
    const cluster = await Cluster.start(t);
    const ports = [await freePort(), await freePort()];
    const replica = (port) =>
      serveReady(t, {
        BETTER_AUTH_SECRET: SECRET,
        DATABASE_URL: cluster.url,
        PORT: `${port}`,
        RUST_LOG: "warn,todoward::cli=info",
        TODOWARD__SERVER__DRAIN_DELAY: "3",
      });
    const replicas = [await replica(ports[0]), await replica(ports[1])];
    const front = await balancer(t, ports);
    const up = (at) => eventually(`${name} uses replica ${at}`, () => front.isUp(at));
    await Promise.all([up(0), up(1)]);

    const load = new Load({ url: front.url, rate: RATE }).start();
    let stopped = 0;
    for (let round = 0; round < ROUNDS && !load.unexpected.length; round += 1) {
      for (const at of [0, 1]) {
        const begun = performance.now();
        replicas[at].child.kill("SIGTERM");
        assert.equal(await replicas[at].ended, 0, replicas[at].log);
        stopped = Math.max(stopped, performance.now() - begun);
        replicas[at] = await replica(ports[at]);
        await up(at);
      }
    }
    await load.stop();
    const stored = await load.verify();
    load.client.close();
    const { requests, p50, p99, ...rest } = load.summary();
    table(`${ROUNDS} rolling restarts of two replicas behind ${name}`, [
      { restarts: ROUNDS * 2, requests, ...rest, stored, p50, p99, "slowest stop": `${(stopped / 1000).toFixed(1)} s` },
    ]);
    assert.deepEqual(load.unexpected, [], `${JSON.stringify(load.answers)} ${front.program.log()}`);
    assert.equal(load.skipped, 0, "the machine is too slow for this load");
    assert.equal(stored, load.tasks.length);
    assert.ok(load.tasks.length > load.rate, "hardly any load");
  });
}
