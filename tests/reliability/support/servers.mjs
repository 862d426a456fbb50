// Todoward as these tests run it.

import { serve } from "../../better-auth/support/todoward.mjs";
import { Client, SECRET, token } from "./client.mjs";

/** Starts a server on a database; resolves when it listens. */
export async function todoward(t, database, variables = {}, binary) {
  const defaults = {
    BETTER_AUTH_SECRET: SECRET,
    DATABASE_URL: database,
    RUST_LOG: "warn,todoward::cli=info",
    TODOWARD__SERVER__WORKERS: "2",
  };
  const server = await serve(t, { ...defaults, ...variables }, binary);
  const client = new Client(server.url);
  t.after(() => client.close());
  const alice = token("alice");
  server.call = (method, path, request = {}) => client.call(method, path, { as: alice, ...request });
  server.get = (path) => server.call("GET", path);
  server.create = (title, key) =>
    server.call("POST", "/api/v1/tasks", {
      headers: key ? { "idempotency-key": key } : {},
      body: { title },
    });
  /** Sends requests that need no database, and says how long the slowest of them took. */
  server.withoutDatabase = async () => {
    const begun = performance.now();
    const [live, missing, refused] = await Promise.all([
      client.call("GET", "/health/live"),
      client.call("GET", "/api/v1/tasks"),
      client.call("GET", "/api/v1/tasks", { as: `${alice.slice(0, -4)}AAAA` }),
    ]);
    return {
      statuses: [live.status, missing.status, refused.status],
      codes: [missing.data.code, refused.data.code],
      seconds: (performance.now() - begun) / 1000,
    };
  };
  return server;
}

/** The answers of `withoutDatabase` when all is well, whatever the database does. */
export const SERVED = {
  statuses: [200, 401, 401],
  codes: ["missing_token", "invalid_signature"],
};
