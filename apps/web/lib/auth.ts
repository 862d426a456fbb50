import "server-only";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BetterAuthOptions, betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { nextCookies } from "better-auth/next-js";
import { anonymous, jwt } from "better-auth/plugins";
import { SqliteDialect } from "kysely";
import Database from "libsql";
import { makeAccounts, required } from "./accounts";

/** In seconds. */
const DAY = 24 * 60 * 60;

async function makeAuth() {
  const directory = process.env.AUTH_DATA_DIR || "data";
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const accounts = makeAccounts(async (payload) => (await auth.api.signJWT({ body: { payload } })).token);
  const options = {
    // Its origin is the issuer and the audience of tokens: Todoward must be told the same.
    baseURL: process.env.BETTER_AUTH_URL || `http://localhost:${process.env.PORT || 3000}`,
    secret: process.env.BETTER_AUTH_SECRET || ownSecret(join(directory, "secret")),
    database: { dialect: new SqliteDialect({ database: open(join(directory, "auth.db")) }), type: "sqlite" },
    emailAndPassword: { enabled: true },
    // A guest who comes back within a month finds the tasks again.
    session: { expiresIn: 30 * DAY, updateAge: DAY },
    user: {
      deleteUser: {
        enabled: true,
        // Before: if it fails, the user is still there, and can try again.
        beforeDelete: (user) => required(accounts.erase(user), "TASKS_NOT_ERASED"),
        // After: what another device has written meanwhile. The user is gone by now.
        afterDelete: (user) => accounts.erase(user).catch((error: unknown) => console.error("erasing again failed:", error)),
      },
    },
    telemetry: { enabled: false },
    plugins: [
      jwt({ jwt: { expirationTime: process.env.TOKEN_LIFETIME || "15m" } }),
      anonymous({
        generateName: () => "Guest",
        onLinkAccount: ({ anonymousUser, newUser }) => required(accounts.adopt(anonymousUser.user, newUser.user), "TASKS_NOT_ADOPTED"),
      }),
      nextCookies(),
    ],
  } satisfies BetterAuthOptions;
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  // Makes the first key pair, so that Todoward finds it from the start.
  await auth.api.getJwks();
  return auth;
}

function open(file: string) {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.pragma("busy_timeout = 5000");
  return database;
}

/** Made at the first start, and kept beside the database whose keys it encrypts. */
function ownSecret(file: string) {
  try {
    writeFileSync(file, randomBytes(32).toString("base64"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(file, "utf8").trim();
}

// In development modules are loaded again and again; there is one database.
const kept = globalThis as { todowardAuth?: ReturnType<typeof makeAuth> };

/** Better Auth, ready for use: its database is made and up to date. Nothing happens during a build. */
export function getAuth() {
  kept.todowardAuth ??= makeAuth().catch((error: unknown) => {
    delete kept.todowardAuth;
    throw error;
  });
  return kept.todowardAuth;
}
