// Steady mixed load for long, on PostgreSQL and on SQLite: the server's memory must
// not grow, and every answer must be the right one.
//
//   MINUTES=30 RATE=300 DATABASES=postgres,sqlite node soak.mjs
//
// Memory is the resident set, looked at each few seconds. Its line over the second
// half of a run may rise by at most GROWTH MiB an hour (default 8) plus 2 MiB, which
// is what caches and allocators move in a short run.

import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "./support/cluster.mjs";
import { Load } from "./support/load.mjs";
import { number, table } from "./support/programs.mjs";
import { todoward } from "./support/servers.mjs";

const MINUTES = number("MINUTES", 30);
const RATE = number("RATE", 300);
const GROWTH = number("GROWTH", 8);
const EACH = Math.min(5, Math.max(1, (MINUTES * 60) / 60)) * 1000;
const DATABASES = (process.env.DATABASES ?? "postgres").split(",");

const mebibytes = (pid) => Number(execFileSync("ps", ["-o", "rss=", "-p", `${pid}`])) / 1024;

/** The slope of a line through samples, by least squares; a sample is [hours, MiB]. */
function slope(samples) {
  const mean = (at) => samples.reduce((sum, sample) => sum + sample[at], 0) / samples.length;
  const [x, y] = [mean(0), mean(1)];
  const over = samples.reduce((sum, sample) => sum + (sample[0] - x) * (sample[1] - y), 0);
  return over / samples.reduce((sum, sample) => sum + (sample[0] - x) ** 2, 0);
}

async function soak(t, database) {
  const url = database === "postgres" ? (await Cluster.start(t)).url : "sqlite://todoward.db";
  const server = await todoward(t, url);
  await server.becomesReady();
  const load = new Load({ url: server.url, rate: RATE, tasks: 500 }).start();
  const samples = [];
  const begun = performance.now();
  const rows = [];
  let shown = 0;
  while (performance.now() - begun < MINUTES * 60_000 && !load.unexpected.length) {
    await sleep(EACH);
    const minutes = (performance.now() - begun) / 60_000;
    samples.push([minutes / 60, mebibytes(server.child.pid)]);
    if (minutes >= shown) {
      rows.push({ minute: minutes.toFixed(1), "resident MiB": samples.at(-1)[1].toFixed(1), tasks: load.tasks.length });
      shown += MINUTES / 10;
    }
  }
  await load.stop();
  const stored = await load.verify();
  load.client.close();
  const half = samples.slice(samples.length / 2);
  const hours = half.at(-1)[0] - half[0][0];
  const rise = slope(half) * hours;
  const allowed = GROWTH * hours + 2;
  const most = Math.max(...samples.map((sample) => sample[1]));
  table(`${MINUTES} minutes on ${database}, ${RATE} requests a second`, rows);
  const { "acknowledged creates": acknowledged, ...summary } = load.summary();
  table("In all", [{ ...summary, stored, "most MiB": most.toFixed(1), "rise in the second half": `${rise.toFixed(2)} MiB` }]);
  const faults = load.unexpected.slice(0, 5);
  if (rise > allowed) faults.push(`memory grows: ${rise.toFixed(2)} MiB in the second half`);
  if (most > 64) faults.push(`${most.toFixed(1)} MiB are resident, and 64 are promised`);
  if (load.skipped) faults.push(`${load.skipped} requests were not begun: the machine is too slow for this load`);
  if (stored !== acknowledged) faults.push(`${stored} tasks are stored, and ${acknowledged} acknowledged`);
  return faults;
}

const cleanups = [];
const t = { after: (cleanup) => cleanups.unshift(cleanup) };
let faults = [];
try {
  for (const database of DATABASES) faults.push(...(await soak(t, database)));
} finally {
  for (const cleanup of cleanups) await cleanup();
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length ? 1 : 0;
