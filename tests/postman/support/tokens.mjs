// The tokens that somebody would paste, made by `todoward token`.

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { signWith } from "../../better-auth/support/frontend.mjs";

const HERE = fileURLToPath(new URL("../../better-auth", import.meta.url));
const BINARY = resolve(HERE, process.env.TODOWARD_BIN ?? "../../target/debug/todoward");

export const SECRET = "j4Zt0nQ8cV1yXoR6mWq2LhKs9uBfPd3E-postman";
export const ORIGIN = "https://app.example.com";

/** The token of a user, as `todoward token` prints it with these variables beside the secret. */
export const command = (sub, variables = {}) => {
  const env = { BETTER_AUTH_SECRET: SECRET, ...variables };
  // A warning on standard error is no failure, and is kept out of the report.
  const stdio = ["ignore", "pipe", "pipe"];
  return execFileSync(BINARY, ["token", "--sub", sub], { env, stdio, encoding: "utf8" });
};

/** Two users; the id of one must be percent-encoded in an address. */
export const pasted = (variables = {}) => ({
  token: command(`zoë/${randomUUID()}`, variables),
  token2: command("bob", variables),
});

export function expired() {
  const past = Math.floor(Date.now() / 1000) - 3600;
  return signWith(SECRET).jwt.sign({ sub: "alice", exp: past });
}
