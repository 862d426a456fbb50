// Stands before a Better Auth server and breaks its key set in the ways in
// which networks and servers break. Counts the fetches.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** How each fault responds. */
const FAULTS = {
  unavailable: (response) => void response.writeHead(503).end("later"),
  // Longer than the time limit of a fetch. `unref`, so that the process can end before.
  delay: (response) => void setTimeout(() => response.writeHead(200).end("{}"), 10_000).unref(),
  drip(response) {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 100).unref();
    response.on("close", () => clearInterval(timer));
  },
  garbage: (response) => void response.writeHead(200).end("<html>Sign in to the wireless</html>"),
  empty: (response) => void response.writeHead(200).end('{"keys":[]}'),
  oversized(response) {
    const key = { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), kid: "k".repeat(32) };
    const keys = Array.from({ length: 4_000 }, () => key);
    response.writeHead(200).end(JSON.stringify({ keys }));
  },
  reset: (response) => void response.socket.resetAndDestroy(),
  redirect: (response, _target, canary) =>
    void response.writeHead(302, { location: canary }).end(),
};

export const FAULT_NAMES = Object.keys(FAULTS);

const NO_FAULTS = {
  async pass(response, target) {
    const { status, body } = await target();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  },
  /** The right keys, but a second late, as on a slow network. */
  async late(response, target) {
    const { status, body } = await target();
    await sleep(1_000);
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  },
};

export async function startProxy(t, frontend) {
  const state = { fault: "pass", fetches: [], canary: 0 };
  const canary = createServer(async (_request, response) => {
    state.canary += 1;
    const { status, body } = await target();
    response.writeHead(status).end(body);
  });
  await listen(canary, 0);
  const canaryUrl = `http://127.0.0.1:${canary.address().port}/keys`;
  const target = async () => {
    const answer = await fetch(`${frontend.url}${frontend.path}/jwks`);
    return { status: answer.status, body: await answer.text() };
  };
  const handle = async (_request, response) => {
    state.fetches.push(Date.now());
    try {
      await { ...FAULTS, ...NO_FAULTS }[state.fault](response, target, canaryUrl);
    } catch {
      response.socket?.destroy();
    }
  };
  let server = createServer(handle);
  await listen(server, 0);
  const { port } = server.address();
  const close = (one) => {
    one.closeAllConnections();
    return new Promise((done) => one.close(done));
  };
  t.after(() => Promise.all([close(canary), server && close(server)]));
  return {
    state,
    url: `http://127.0.0.1:${port}/api/auth/jwks`,
    get count() {
      return state.fetches.length;
    },
    /** Nobody listens any more: connections are refused. */
    async down() {
      await close(server);
      server = undefined;
    },
    async up() {
      server = createServer(handle);
      await listen(server, port);
    },
  };
}

function listen(server, port) {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", done);
  });
}
