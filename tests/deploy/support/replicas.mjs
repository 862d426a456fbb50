// Two real servers behind a proxy, and a user of a real Better Auth.

import { startFrontend } from "../../better-auth/support/frontend.mjs";
import { postgres } from "../../better-auth/support/postgres.mjs";
import { serveReady } from "../../better-auth/support/todoward.mjs";
import { eventually } from "../../better-auth/support/wait.mjs";
import { freePorts } from "./proxies.mjs";

export async function startBehind(t, startProxy) {
  const frontend = await startFrontend();
  t.after(() => frontend.stop());
  const database = await postgres(t);
  const replicas = await freePorts(2);
  const serve = (port) =>
    serveReady(t, { BETTER_AUTH_URL: frontend.url, DATABASE_URL: database, PORT: `${port}` });
  await Promise.all(replicas.map(serve));
  const proxy = await startProxy(t, { replicas, frontend: frontend.port });
  await eventually("the proxy knows the servers", async () => {
    return (await proxy.api("GET", "/health/ready")).status === 200;
  });
  const token = await (await frontend.signUp("ada")).token();
  return { proxy, token };
}
