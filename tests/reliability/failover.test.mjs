// Three PostgreSQL nodes under Patroni, as deploy/ha starts them. The primary is
// killed together with its Patroni, and Todoward finds the next one.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findBinaries, freePort } from "../better-auth/support/postgres.mjs";
import { eventually } from "../better-auth/support/wait.mjs";
import { Client } from "./support/client.mjs";
import { Followers } from "./support/followers.mjs";
import { Load } from "./support/load.mjs";
import { directory, find, number, start, table } from "./support/programs.mjs";
import { SERVED, todoward } from "./support/servers.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SCRIPT = join(ROOT, "deploy/ha/start");
const ROUNDS = number("ROUNDS", 2);
const RATE = number("RATE", 100);

/** Patroni from PyPI, made once and copied to where the nodes' user can read it. */
function patroni(to) {
  const kept = join(ROOT, "target/patroni");
  if (!existsSync(join(kept, "bin/patroni"))) {
    const system = "/usr/bin/python3";
    const python = process.env.PYTHON ?? (existsSync(system) ? system : "python3");
    execFileSync(python, ["-m", "venv", kept], { stdio: "pipe" });
    const packages = [...readFileSync(SCRIPT, "utf8").matchAll(/'(\S+==[\d.]+)'/g)].map((match) => match[1]);
    execFileSync(join(kept, "bin/python"), ["-m", "pip", "install", "--quiet", ...packages], { stdio: "pipe" });
  }
  cpSync(kept, to, { recursive: true, verbatimSymlinks: true });
}

class Nodes {
  static async start(t) {
    const nodes = new Nodes();
    nodes.t = t;
    nodes.directory = directory(t);
    find("etcd", "apt-get install etcd-server");
    const venv = join(directory(t), "venv");
    patroni(venv);
    // The real path: a directory of links may not have all of the programs.
    const binaries = dirname(realpathSync(join(findBinaries(), "postgres")));
    nodes.env = { DIRECTORY: nodes.directory, VENV: venv, PG_BIN: binaries };
    for (const name of ["PORT_ETCD", "PORT_ETCD_PEER", "PG_A", "PG_B", "PG_C", "REST_A", "REST_B", "REST_C"]) {
      nodes.env[name] = `${await freePort()}`;
    }
    const log = join(nodes.directory, "start.log");
    nodes.script = start(t, SCRIPT, [], { log, env: nodes.env, patience: 60 });
    nodes.url = await eventually(
      "the nodes are ready",
      () => {
        if (nodes.script.child.exitCode !== null) throw new Error(nodes.logs());
        return /DATABASE_URL='(.*)'/.exec(nodes.script.log())?.[1];
      },
      90_000,
    ).catch((error) => {
      throw new Error(`${error.message}\n${nodes.logs()}`);
    });
    return nodes;
  }

  logs() {
    const files = readdirSync(this.directory).filter((name) => name.endsWith(".log"));
    return files.map((name) => `${name}: ${readFileSync(join(this.directory, name), "utf8").slice(-2000)}`).join("\n");
  }

  /** What Patroni says: each node's role and state. */
  async members() {
    for (const node of ["A", "B", "C"]) {
      const client = new Client(`http://127.0.0.1:${this.env[`REST_${node}`]}`, { timeout: 2000 });
      try {
        return (await client.call("GET", "/cluster")).data.members;
      } catch {
        // This node is dead; the next one is asked.
      } finally {
        client.close();
      }
    }
    throw new Error("no Patroni answers");
  }

  async leader() {
    return (await this.members()).find((member) => member.role === "leader" && member.state === "running")?.name;
  }

  /** A primary, and both standbys taking part in commits. */
  areWhole() {
    const whole = async () => {
      const members = await this.members();
      const standbys = members.filter((member) => member.role === "quorum_standby" && member.state === "streaming");
      return standbys.length === 2 && members.some((member) => member.role === "leader");
    };
    return eventually("all nodes take part", whole, 60_000).catch((error) => {
      throw new Error(`${error.message}\n${this.logs()}`);
    });
  }

  pids(node) {
    const first = (path) => Number(readFileSync(join(this.directory, path), "utf8").split("\n")[0]);
    return [first(`${node}.pid`), first(`${node}/postmaster.pid`)];
  }

  kill(node) {
    for (const pid of this.pids(node)) process.kill(pid, "SIGKILL");
  }

  again(node) {
    return start(this.t, SCRIPT, ["node", node], { log: join(this.directory, "again.log"), env: this.env, patience: 60 });
  }
}

test("a primary that is killed is replaced, and no acknowledged write is lost or doubled, and whoever follows changes is in step", async (t) => {
  const nodes = await Nodes.start(t);
  const server = await todoward(t, nodes.url);
  await server.becomesReady();
  const load = new Load({ url: server.url, rate: RATE, retries: true, most: 300 }).start();
  const followers = new Followers({ url: server.url, owners: load.owners }).start();
  const rounds = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await nodes.areWhole();
    await sleep(1000 + Math.random() * 1000);
    const primary = await nodes.leader();
    const killed = performance.now();
    const { passing } = load;
    nodes.kill(primary);
    const seconds = () => ((performance.now() - killed) / 1000).toFixed(1);
    await eventually("another node is primary", async () => {
      const { seconds: _, ...served } = await server.withoutDatabase();
      assert.deepEqual(served, SERVED);
      const now = await nodes.leader().catch(() => undefined);
      return now && now !== primary;
    }, 60_000);
    const promoted = seconds();
    await eventually("a task is created", async () => (await server.create("after")).status === 201, 60_000);
    const served = seconds();
    await server.becomesReady();
    nodes.again(primary);
    await nodes.areWhole();
    // The load stops, because copies can be compared only while nobody writes.
    await load.stop();
    const rows = await followers.areInStep();
    rounds.push({
      round,
      killed: primary,
      primary: await nodes.leader(),
      "promoted after": `${promoted} s`,
      "serves after": `${served} s`,
      "old primary is a standby after": `${seconds()} s`,
      "repeated after 503, 504": load.passing - passing,
      "rows in step": rows,
    });
    if (round < ROUNDS) {
      load.start();
      followers.start();
    }
  }
  const stored = await load.verify();
  load.client.close();
  followers.close();
  table("kill -9 of the primary and its Patroni", rounds);
  table("Those who follow", [followers.summary()]);
  const { requests, unexpected } = load.summary();
  table("The writes", [
    { requests, "acknowledged creates": load.tasks.length, stored, "lost or doubled": 0, unexpected },
  ]);
  assert.deepEqual(load.unexpected, []);
  assert.equal(stored, load.tasks.length);
  assert.ok(load.passing > 0, "no request has met the failover");
});
