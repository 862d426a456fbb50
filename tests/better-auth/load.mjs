// What a flood of made-up kids costs those who have valid tokens.
//
//   TODOWARD_BIN=../../target/release/todoward node load.mjs
//
// Four phases of the same length: valid tokens alone; beside a flood of tokens
// with made-up kids; beside as many requests without a token, to tell what is
// the machine's share; and alone again, to tell the noise. On loopback only, with a
// release build: a debug one takes ten times as long for each token.
//
//   FLOOD=100000  requests of a flood      CONNECTIONS=64  of a flood
//   RATE=5000     a second; 0: all it can  PROBES=400      valid tokens a second

import { createConnection } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const FLOOD = number("FLOOD", 100_000);
const CONNECTIONS = number("CONNECTIONS", 64);
const RATE = number("RATE", 5_000);
const PROBES = number("PROBES", 400);

/** One connection that sends a request, reads the answer, and sends the next. */
function connection(port, next, answered) {
  return new Promise((done, failed) => {
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    let seen = "";
    let begun;
    const send = async () => {
      const request = await next();
      if (request === undefined) {
        socket.end();
        return done();
      }
      begun = performance.now();
      socket.write(request);
    };
    socket.once("connect", send);
    socket.once("error", failed);
    socket.on("data", (bytes) => {
      seen += bytes.toString("latin1");
      const head = seen.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
      if (seen.length < head + 4 + length) return;
      answered(seen.slice(9, 12), performance.now() - begun);
      seen = "";
      send();
    });
  });
}

const request = (authorization) =>
  `GET /api/v1/tasks?limit=1 HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`;

/** Lets so many requests a second begin, counted from the first. */
function paced(rate) {
  const begun = performance.now();
  let given = 0;
  return async () => {
    const due = rate ? (given++ / rate) * 1000 : 0;
    const early = due - (performance.now() - begun);
    if (early > 0) await new Promise((done) => setTimeout(done, early));
  };
}

async function flood({ port, token, kind, run }) {
  const [, claims, signature] = token.split(".");
  const turn = paced(RATE);
  const statuses = {};
  let left = FLOOD;
  const next = async () => {
    if (left <= 0) return undefined;
    left -= 1;
    await turn();
    if (kind === "without a token") return request("");
    const header = Buffer.from(JSON.stringify({ alg: "EdDSA", kid: `made-up-${run}-${left}` }));
    return request(`Authorization: Bearer ${header.toString("base64url")}.${claims}.${signature}\r\n`);
  };
  const answered = (status) => (statuses[status] = (statuses[status] ?? 0) + 1);
  const all = Array.from({ length: CONNECTIONS }, () => connection(port, next, answered));
  await Promise.all(all);
  return statuses;
}

async function probe({ port, tokens, seconds }) {
  const turn = paced(PROBES);
  const end = performance.now() + seconds * 1000;
  const times = [];
  const bySecond = [];
  const statuses = {};
  let sent = 0;
  const next = async () => {
    await turn();
    if (performance.now() > end) return undefined;
    sent += 1;
    return request(`Authorization: Bearer ${tokens[sent % tokens.length]}\r\n`);
  };
  const answered = (status, time) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    times.push(time);
    const second = Math.floor(seconds - (end - performance.now()) / 1000);
    (bySecond[second] ??= []).push(time);
  };
  await Promise.all(Array.from({ length: 8 }, () => connection(port, next, answered)));
  const at = (list, share) => list.sort((a, b) => a - b)[Math.floor(list.length * share)];
  // The p99 of each second: their median is not affected by what else the machine does for a moment.
  const each = bySecond.filter((list) => list.length > PROBES / 2).map((list) => at(list, 0.99));
  return {
    statuses,
    p50: at(times, 0.5).toFixed(2),
    p99: at(times, 0.99).toFixed(2),
    typical: at(each, 0.5).toFixed(2),
  };
}

const inWorker = (job) =>
  new Promise((done, failed) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    worker.once("message", done);
    worker.once("error", failed);
  });

async function main() {
  const { startFrontend } = await import("./support/frontend.mjs");
  const { startProxy } = await import("./support/proxy.mjs");
  const { serveReady } = await import("./support/todoward.mjs");
  const cleanups = [];
  const t = { after: (cleanup) => cleanups.unshift(cleanup) };
  try {
    const web = await startFrontend();
    t.after(() => web.stop());
    const proxy = await startProxy(t, web);
    const app = await serveReady(t, {
      BETTER_AUTH_URL: web.baseUrl,
      JWKS_URL: proxy.url,
      RUST_LOG: "warn,todoward::cli=info",
      TODOWARD__SERVER__WORKERS: process.env.WORKERS ?? "0",
    });
    const port = Number(new URL(app.url).port);
    const tokens = [];
    for (let i = 0; i < 20; i += 1) tokens.push(await (await web.signUp()).token());
    for (const token of tokens) if ((await app.says(token)) !== "200") throw new Error("refused");
    const seconds = RATE ? FLOOD / RATE : number("SECONDS", 20);
    await inWorker({ job: "probe", port, tokens, seconds: 2 });
    const kinds = ["alone", "made-up kids", "without a token", "alone again"];
    for (const [run, kind] of kinds.entries()) {
      const before = proxy.count;
      const begun = performance.now();
      const probing = inWorker({ job: "probe", port, tokens, seconds });
      const flooding = kind.startsWith("alone")
        ? undefined
        : inWorker({ job: "flood", port, token: tokens[0], kind, run }).then((statuses) => ({
            statuses,
            seconds: ((performance.now() - begun) / 1000).toFixed(1),
          }));
      const { p50, p99, typical, statuses } = await probing;
      const flood = await flooding;
      const valid = `valid ${JSON.stringify(statuses)} p50 ${p50} ms, p99 ${p99} ms, of a typical second ${typical} ms`;
      const flooded = flood ? `; flood ${JSON.stringify(flood.statuses)} in ${flood.seconds} s` : "";
      console.log(`${kind.padEnd(15)} ${valid}; fetches ${proxy.count - before}${flooded}`);
    }
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}

if (isMainThread) await main();
else parentPort.postMessage(await { flood, probe }[workerData.job](workerData));
