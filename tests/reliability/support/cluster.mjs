// A PostgreSQL that can be killed and started again.

import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinaries, freePort } from "../../better-auth/support/postgres.mjs";
import { eventually } from "../../better-auth/support/wait.mjs";
import { directory, start, user } from "./programs.mjs";

export class Cluster {
  static async start(t, settings = {}) {
    const cluster = new Cluster();
    cluster.t = t;
    cluster.settings = settings;
    cluster.binaries = findBinaries();
    cluster.directory = directory(t);
    cluster.data = join(cluster.directory, "data");
    cluster.port = await freePort();
    cluster.url = `postgres://postgres@127.0.0.1:${cluster.port}/postgres`;
    const options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
    execFileSync(join(cluster.binaries, "initdb"), [...options, "-D", cluster.data], {
      ...user,
      cwd: "/",
      stdio: "pipe",
    });
    await cluster.up();
    return cluster;
  }

  /** Starts it and waits until it answers; after a crash the remains of the last one go first. */
  async up() {
    const settings = { listen_addresses: "127.0.0.1", fsync: "off", ...this.settings };
    const given = ["-D", this.data, "-p", `${this.port}`, "-k", this.directory];
    for (const [name, value] of Object.entries(settings)) given.push("-c", `${name}=${value}`);
    const log = join(this.directory, "log");
    await eventually("PostgreSQL answers", async () => {
      if (!this.server || this.server.child.exitCode !== null || this.server.child.signalCode) {
        const path = join(this.binaries, "postgres");
        this.server = start(this.t, path, given, { log, end: "SIGQUIT" });
        await sleep(20);
      }
      try {
        this.psql("SELECT 1");
        return true;
      } catch (error) {
        throw new Error(`${error.message}\n${readFileSync(log, "utf8").slice(-2000)}`);
      }
    });
  }

  /** kill -9 of the postmaster; its children notice and end. */
  async kill() {
    this.server.signal("SIGKILL");
    await this.server.ended;
  }

  psql(statement, url = this.url, timeout = 10_000) {
    const [path, given, options] = psqlWith(statement, url, timeout);
    return execFileSync(path, given, { ...options, stdio: "pipe" }).toString().trim();
  }

  /** The same, while the test goes on. */
  async psqlMeanwhile(statement, url = this.url, timeout = 10_000) {
    const { stdout } = await promisify(execFile)(...psqlWith(statement, url, timeout));
    return stdout.trim();
  }
}

function psqlWith(statement, url, timeout) {
  const given = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement];
  const env = { ...process.env, PGCONNECT_TIMEOUT: "2" };
  return [join(findBinaries("psql"), "psql"), given, { cwd: "/", env, timeout }];
}
