// A real Better Auth server on 127.0.0.1, and a browser for it.

import { createServer } from "node:http";
import Database from "libsql";
import { SqliteDialect } from "kysely";
import { SignJWT } from "jose";
import { betterAuth } from "better-auth";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import { since } from "./line.mjs";

// In 1.7 it is in another module.
export const { getMigrations } = await import(
  since("1.7") ? "better-auth/db/migration" : "better-auth/db"
);

export const SECRET = "j4Zt0nQ8cV1yXoR6mWq2LhKs9uBfPd3E-frontend";

/** The signer that makes Better Auth's tokens HS256 ones. */
export const signWith = (secret) => ({
  jwks: { remoteUrl: "https://unused.invalid/jwks.json", keyPairConfig: { alg: "EdDSA" } },
  jwt: {
    sign: (payload) =>
      new SignJWT(payload)
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(secret)),
  },
});

/** Better Auth reads some variables of the environment when it is built. */
async function withVariables(variables, build) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await build();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/**
 * Starts a server. Options:
 * - `baseUrl`: a function of its port that gives the base URL it is configured with; null: none
 * - `jwt`: the plugin's options; null leaves the plugin out
 * - `secrets`: BETTER_AUTH_SECRETS instead of one secret
 * - `cookieCache`: a strategy
 * - `bearer`: adds the bearer plugin
 * - `plugins`: of its address to more plugins
 * - `disabledPaths`: what it does not answer
 * - `database`: one of a server before it, to start with its users and keys
 */
export async function startFrontend(options = {}) {
  let handler;
  const http = createServer((request, response) => handler(request, response));
  await new Promise((done, failed) => {
    http.once("error", failed);
    http.listen(options.port ?? 0, "127.0.0.1", done);
  });
  const { port } = http.address();
  const url = `http://127.0.0.1:${port}`;
  const baseUrl = options.baseUrl === null ? undefined : (options.baseUrl?.(port) ?? url);

  const database = options.database ?? new Database(":memory:");
  const mails = [];
  const plugins = [];
  if (options.jwt !== null) plugins.push(jwt(options.jwt ?? {}));
  if (options.bearer) plugins.push(bearer());
  if (options.plugins) plugins.push(...options.plugins(baseUrl ?? url));
  const configuration = {
    database: { dialect: new SqliteDialect({ database }), type: "sqlite" },
    emailAndPassword: { enabled: true },
    emailVerification: {
      sendOnSignUp: true,
      sendVerificationEmail: async (mail) => void mails.push(mail),
    },
    trustedOrigins: [url],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    session: options.cookieCache
      ? { cookieCache: { enabled: true, strategy: options.cookieCache } }
      : {},
    plugins,
    disabledPaths: options.disabledPaths ?? [],
    ...(options.secrets ? {} : { secret: options.secret ?? SECRET }),
  };
  const variables = {};
  if (baseUrl) variables.BETTER_AUTH_URL = baseUrl;
  if (options.secrets) variables.BETTER_AUTH_SECRETS = options.secrets;
  const auth = await withVariables(variables, async () => {
    if (!options.database) await (await getMigrations(configuration)).runMigrations();
    const made = betterAuth(configuration);
    await made.$context;
    return made;
  });
  handler = toNodeHandler(auth);

  const path = new URL(baseUrl ?? url).pathname.replace(/\/+$/, "") || "/api/auth";
  return {
    auth,
    /** The BETTER_AUTH_URL of this server, and of a Todoward beside it. */
    baseUrl: baseUrl ?? url,
    database,
    mails,
    path,
    port,
    url,
    browser: () => new Browser(url, path),
    /** A browser with a new user signed in. */
    async signUp(name) {
      const browser = new Browser(url, path);
      await browser.signUp(name);
      return browser;
    },
    /** Ends the life of all signing keys: the next token makes a new one. */
    rotate() {
      const past = new Date(Date.now() - 1000).toISOString();
      database.prepare("update jwks set expiresAt = ?").run(past);
    },
    dropKeys: () => database.prepare("delete from jwks").run(),
    /** Any claims, signed with the server's own key. */
    sign: async (payload) => (await auth.api.signJWT({ body: { payload } })).token,
    async stop() {
      http.closeAllConnections();
      await new Promise((done) => http.close(done));
    },
  };
}

let users = 0;

/** Keeps cookies as a browser does. */
export class Browser {
  cookies = new Map();
  user;

  constructor(url, path = "/api/auth") {
    this.url = url;
    this.base = url + path;
  }

  get cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** Takes the cookies of a response. */
  keep(response) {
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === "" || /max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  async call(method, path, body, more = {}) {
    const headers = { origin: this.url, ...more };
    const isForm = body instanceof URLSearchParams;
    if (body && !isForm) headers["content-type"] = "application/json";
    if (this.cookies.size) headers.cookie = this.cookieHeader;
    const init = { method, headers, body: isForm ? body : body && JSON.stringify(body) };
    const response = await fetch(this.base + path, init);
    this.keep(response);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return { headers: response.headers, data: text && JSON.parse(text) };
  }

  async signUp(name = "alice") {
    users += 1;
    const email = `${name}-${process.pid}-${users}@example.com`;
    const { data } = await this.call("POST", "/sign-up/email", {
      email,
      password: "correct horse battery",
      name,
    });
    this.user = data.user;
    this.sessionToken = data.token;
    return this;
  }

  signOut() {
    return this.call("POST", "/sign-out", {});
  }

  /** What authClient.token() asks for. */
  async token() {
    return (await this.call("GET", "/token")).data.token;
  }

  /** The value of the cookie that caches the session. */
  get sessionData() {
    const name = [...this.cookies.keys()].find((one) => one.endsWith("session_data"));
    return this.cookies.get(name);
  }
}

/** Header and claims of a token. */
export function decode(token) {
  const [header, claims] = token.split(".").map((part) => Buffer.from(part, "base64url"));
  return { header: JSON.parse(header), claims: JSON.parse(claims) };
}
