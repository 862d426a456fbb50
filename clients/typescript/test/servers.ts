// The real binary, once on SQLite and once on PostgreSQL, for all tests. Each
// test has users of its own, so they do not meet.

import type { TestProject } from "vitest/node";
import { postgres } from "../../../tests/better-auth/support/postgres.mjs";
import * as todoward from "../../../tests/better-auth/support/todoward.mjs";
import { SECRET } from "./support.js";

declare module "vitest" {
  interface ProvidedContext {
    servers: { sqlite: string; postgres: string };
    database: string;
  }
}

const serveReady: (t: object, variables: object) => Promise<{ url: string }> = todoward.serveReady as never;

export default async function setup(project: TestProject) {
  const cleanups: (() => unknown)[] = [];
  const t = { after: (cleanup: () => unknown) => cleanups.push(cleanup) };
  const teardown = async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  };
  try {
    const database = await postgres(t);
    const variables = { BETTER_AUTH_SECRET: SECRET, TODOWARD__AUTH__LEEWAY: "0" };
    const onSqlite = await serveReady(t, variables);
    const onPostgres = await serveReady(t, { ...variables, DATABASE_URL: database });
    project.provide("servers", { sqlite: onSqlite.url, postgres: onPostgres.url });
    project.provide("database", database);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
