// Two real servers behind nginx and behind Caddy, as deploy/ configures them.

import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startFrontend } from "../better-auth/support/frontend.mjs";
import { postgres } from "../better-auth/support/postgres.mjs";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { eventually } from "../better-auth/support/wait.mjs";
import { freePorts, startCaddy, startNginx } from "./support/proxies.mjs";

const PROXIES = { nginx: startNginx, Caddy: startCaddy };

/** A proxy, two servers behind it, a database, a frontend and a token. */
async function start(t, startProxy, settings = {}) {
  const frontend = await startFrontend();
  t.after(() => frontend.stop());
  const database = await postgres(t);
  const replicas = await freePorts(2);
  const serve = (port) =>
    serveReady(t, {
      BETTER_AUTH_URL: frontend.url,
      DATABASE_URL: database,
      PORT: `${port}`,
      TODOWARD__SERVER__TRUSTED_PROXIES: "127.0.0.1",
      TODOWARD__SERVER__DRAIN_DELAY: "5",
      ...settings,
    });
  const servers = [await serve(replicas[0]), await serve(replicas[1])];
  const proxy = await startProxy(t, { replicas, frontend: frontend.port });
  const token = await (await frontend.signUp("ada")).token();
  await eventually("the proxy knows the servers", async () => {
    return (await proxy.api("GET", "/health/ready")).status === 200;
  });
  return { proxy, servers, replicas, serve, token, database, frontend };
}

const task = (title) => JSON.stringify({ title });

/** Sends requests of these kinds, eight at a time, until told to stop; resolves to all that failed. */
function load({ proxy, token, repeats }, kinds) {
  let going = true;
  const failed = [];
  const counts = {};
  const send = {
    list: () => proxy.api("GET", "/api/v1/tasks?limit=1", { token }),
    // nginx repeats a create with a key by itself. Behind Caddy the test repeats it, as
    // clients do, as long as it is Caddy that responds, because it has lost a server.
    create: async () => {
      const headers = { "Idempotency-Key": randomUUID() };
      const attempt = () => proxy.api("POST", "/api/v1/tasks", { token, body: task("under load"), headers });
      if (!repeats) return attempt();
      return eventually("a server answers", async () => {
        const answer = await attempt();
        const isCaddys = answer.status === 502 || (answer.status === 503 && answer.text === "");
        return isCaddys ? undefined : answer;
      });
    },
  };
  const worker = async (kind) => {
    while (going) {
      const answer = await send[kind]().catch((error) => ({ status: error.code, text: "" }));
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (answer.status !== 200 && answer.status !== 201) failed.push(`${kind} ${answer.status} ${answer.text}`);
    }
  };
  const workers = Array.from({ length: 8 }, (_, at) => worker(kinds[at % kinds.length]));
  const more = (count) => {
    const wanted = (counts.list ?? 0) + count;
    return eventually(`${count} more requests`, () => counts.list >= wanted);
  };
  const stop = async () => {
    going = false;
    await Promise.all(workers);
    return failed;
  };
  return { more, stop };
}

for (const [name, startProxy] of Object.entries(PROXIES)) {
  test(`${name}: TLS, what is passed on and what is not`, async (t) => {
    const { proxy, token } = await start(t, startProxy);
    const list = await proxy.api("GET", "/api/v1/tasks", { token });
    assert.equal(list.status, 200);
    assert.equal(list.headers["strict-transport-security"], "max-age=31536000");
    assert.equal(list.headers["cache-control"], "private, no-cache");
    for (const path of ["/metrics", "/api/../metrics", "/"]) {
      const { status, text } = await proxy.api("GET", path);
      assert(status === 404 && !text.includes("todoward_"), `${path} is ${status}`);
    }
    const plain = await proxy.api("GET", "/api/v1/tasks?limit=1", { plain: true, token });
    assert.equal(plain.status, 308);
    assert.equal(new URL(plain.headers.location).protocol, "https:");
  });

  test(`${name}: nobody who reads sees that a server is killed, nobody that both are replaced`, async (t) => {
    const world = { ...(await start(t, startProxy)), repeats: name !== "nginx" };
    const { servers, replicas, serve } = world;
    const reading = load(world, ["list"]);
    await reading.more(50);
    servers[0].child.kill("SIGKILL");
    await servers[0].ended;
    await reading.more(200);
    assert.deepEqual(await reading.stop(), [], world.proxy.errors());

    servers[0] = await serve(replicas[0]);
    const all = load(world, ["list", "create"]);
    for (const at of [0, 1]) {
      await all.more(50);
      assert.equal(await servers[at].stop(), 0);
      await all.more(50);
      servers[at] = await serve(replicas[at]);
      // Before the second one is replaced, the first one must be used again.
      await eventually("it is sent requests", () => servers[at].log.includes("route=/api/v1/tasks"));
    }
    await all.more(50);
    assert.deepEqual(await all.stop(), [], world.proxy.errors());
  });

  test(`${name}: writes while a server is killed are done once, if they are repeated`, async (t) => {
    const { proxy, servers, token } = await start(t, startProxy);
    const wanted = 60;
    let begun = 0;
    let done = 0;
    const worker = async () => {
      while (begun < wanted) {
        const headers = { "Idempotency-Key": `key-${(begun += 1)}` };
        await eventually("the task is made", async () => {
          const { status } = await proxy.api("POST", "/api/v1/tasks", { token, body: task("once"), headers });
          assert(status === 201 || status === 502, `${status}`);
          return status === 201;
        });
        done += 1;
      }
    };
    const workers = Array.from({ length: 6 }, worker);
    await eventually("some are made", () => done >= 10);
    servers[0].child.kill("SIGKILL");
    await Promise.all(workers);
    const { items } = JSON.parse((await proxy.api("GET", "/api/v1/tasks?limit=100", { token })).text);
    assert.equal(items.length, begun);
  });

  test(`${name}: a client cannot choose its address`, async (t) => {
    const limit = { TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND: "1", TODOWARD__RATE_LIMIT__BURST: "5" };
    const { proxy } = await start(t, startProxy, limit);
    const refused = async (at, from) => {
      const headers = { "X-Forwarded-For": `203.0.113.${at}`, "X-Real-IP": `203.0.113.${at}` };
      return (await proxy.api("GET", "/api/v1/tasks", { token: "not-a-token", headers, from })).status;
    };
    const statuses = await Promise.all(Array.from({ length: 100 }, (_, at) => refused(at)));
    // Each of the two servers lets five through at once, and then one a second.
    assert(statuses.filter((status) => status === 429).length > 50, `${statuses}`);
    assert.equal(await refused(1, "127.0.0.2"), 401);
  });

  test(`${name}: links lead to where a client can go`, async (t) => {
    const { proxy, token } = await start(t, startProxy);
    // What a client says about itself has no effect.
    const headers = { "X-Forwarded-Prefix": "/evil" };
    const create = () => proxy.api("POST", "/api/v1/tasks", { token, body: task("linked"), headers });
    await create();
    const { location } = (await create()).headers;
    assert(location.startsWith(`${proxy.base}/api/v1/tasks/`), location);
    assert.equal(JSON.parse((await proxy.request("GET", location, { token })).text).title, "linked");
    const page = await proxy.api("GET", "/api/v1/tasks?limit=1", { token, headers });
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(page.headers.link);
    assert(next.startsWith(`${proxy.base}/api/v1/tasks?`), next);
    assert.equal(JSON.parse((await proxy.request("GET", next, { token })).text).items.length, 1);
  });

  test(`${name}: the largest token, and a long link`, async (t) => {
    const { proxy, token } = await start(t, startProxy);
    const large = await proxy.api("GET", "/api/v1/tasks", { token: "A".repeat(8192) });
    assert.equal(JSON.parse(large.text).code, "malformed_token");
    const title = "\u{1f6d2}".repeat(1000);
    for (const _ of [1, 2]) assert.equal((await proxy.api("POST", "/api/v1/tasks", { token, body: task(title) })).status, 201);
    const page = await proxy.api("GET", "/api/v1/tasks?limit=1&sort=title", { token });
    assert(page.headers.link.length > 5000, page.text);
    const [, next] = /^<([^>]+)>/.exec(page.headers.link);
    assert.equal(JSON.parse((await proxy.request("GET", next, { token })).text).items.length, 1);
  });

  test(`${name}: large bodies`, async (t) => {
    const { proxy, token } = await start(t, startProxy);
    const padded = (size) => task("large").padEnd(size, " ");
    const send = (body, headers) => proxy.api("POST", "/api/v1/tasks", { token, body, headers });
    assert.equal((await send(padded(524_288))).status, 201);
    for (const headers of [{}, { "Transfer-Encoding": "chunked" }]) {
      const refused = await send(padded(524_289), headers);
      assert.equal(refused.status, 413);
      assert.equal(refused.headers["content-type"], "application/problem+json");
      assert.equal(JSON.parse(refused.text).code, "body_too_large");
    }
    assert.equal((await send(task("small"))).status, 201);
  });

  test(`${name}: an answer that takes its time is the server's own, and comes once`, async (t) => {
    const { proxy, token, database, servers } = await start(t, startProxy);
    const id = JSON.parse((await proxy.api("POST", "/api/v1/tasks", { token, body: task("slow") })).text).id;
    const lock = await lockTasks(t, database);
    const late = proxy.api("DELETE", `/api/v1/tasks/${id}`, { token, headers: { "X-Request-Id": "late" } });
    const { status, text } = await late;
    lock.release();
    assert.equal(status, 504);
    assert.equal(JSON.parse(text).code, "deadline_exceeded");
    const lines = () => servers.flatMap(({ log }) => log.match(/ request .*request_id=late .*/g) ?? []);
    await eventually("its line in the log", () => lines().length > 0);
    assert.equal(lines().length, 1);
    // The proxy does not take a server for dead because of it.
    await eventually("it is served again", async () => (await proxy.api("GET", "/api/v1/tasks", { token })).status === 200);
  });

  test(`${name}: the log has no search, no token and no cookie`, async (t) => {
    const { proxy, token } = await start(t, startProxy);
    const headers = { Cookie: "better-auth.session_token=cookie-secret" };
    const { status } = await proxy.api("GET", "/api/v1/tasks?q=private-words", { token, headers });
    assert.equal(status, 200);
    const log = await eventually("a line", () => (proxy.log().includes("/api/v1/tasks") ? proxy.log() : undefined));
    for (const secret of ["private-words", token, token.split(".")[2], "cookie-secret"]) {
      assert(!log.includes(secret), secret);
    }
  });
}

test("Caddy: the rest of the name is the frontend's", async (t) => {
  const { proxy, frontend } = await start(t, startCaddy);
  const keys = await proxy.request("GET", "/api/auth/jwks");
  assert.equal(keys.text, await (await fetch(`${frontend.url}/api/auth/jwks`)).text());
  // Each response about a session has a token in a header.
  const grace = await frontend.signUp("grace");
  const session = await proxy.request("GET", "/api/auth/get-session", { headers: { Cookie: grace.cookieHeader } });
  assert.match(session.headers["set-auth-jwt"], /^eyJ/);
  const log = await eventually("a line", () => (proxy.log().includes("get-session") ? proxy.log() : undefined));
  assert(!log.includes("eyJ"), "a token in the log");
});

/** Locks the table of tasks until released. */
async function lockTasks(t, database) {
  const psql = spawn("psql", ["-q", database], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((done) => psql.once("close", done));
  let said = "";
  psql.stdout.on("data", (bytes) => (said += bytes));
  psql.stdin.write("BEGIN; LOCK TABLE tasks; \\echo locked\n");
  await eventually("the lock", () => said.includes("locked"));
  const release = () => psql.stdin.end();
  t.after(async () => {
    release();
    await ended;
  });
  return { release };
}
