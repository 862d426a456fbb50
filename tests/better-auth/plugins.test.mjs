// Tokens of Better Auth's plugins: OAuth access tokens, and those for API keys.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { admin } from "better-auth/plugins";
import { decode, startFrontend } from "./support/frontend.mjs";
import { needs, since } from "./support/line.mjs";
import { checkToken, serveReady } from "./support/todoward.mjs";

// Since 1.7 they are packages of their own.
const { oauthProvider } = since("1.7") ? await import("@better-auth/oauth-provider") : {};
const { apiKey } = since("1.7") ? await import("@better-auth/api-key") : {};

const READ = { TODOWARD__AUTH__OAUTH_READ_SCOPES: "tasks:read" };
const WRITE = { TODOWARD__AUTH__OAUTH_WRITE_SCOPES: "tasks:write" };
const REDIRECT = "https://program.example/callback";

async function frontend(t, options) {
  const started = await startFrontend(options);
  t.after(() => started.stop());
  return started;
}

/** A frontend that lets other programs act for its users, and one such program. */
async function provider(t) {
  const plugins = (url) => [
    oauthProvider({
      loginPage: "/sign-in",
      consentPage: "/consent",
      scopes: ["openid", "tasks:read", "tasks:write"],
      resources: [url],
      enforcePerClientResources: false,
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ];
  const web = await frontend(t, { plugins });
  const alice = await web.signUp();
  const { data: client } = await alice.call("POST", "/oauth2/create-client", {
    client_name: "program",
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "client_credentials"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
    scope: "openid tasks:read tasks:write",
  });
  const trust = {
    BETTER_AUTH_URL: web.baseUrl,
    // The settings of an operator who wants such tokens to be accepted.
    TODOWARD__AUTH__ISSUERS: `${web.url},${web.url}/api/auth`,
    TODOWARD__AUTH__AUDIENCES: `${web.url},${client.client_id}`,
  };
  return { web, alice, client, trust };
}

/** The tokens that the program gets by the user's consent. */
async function consented({ web, alice, client }, scope) {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const asked = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope,
    state: "state",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource: web.url,
  });
  const page = await alice.call("GET", `/oauth2/authorize?${asked}`);
  const { search } = new URL(page.data.url, web.url);
  const body = { accept: true, oauth_query: search.slice(1) };
  const { data } = await alice.call("POST", "/oauth2/consent", body);
  const code = new URL(data.url).searchParams.get("code");
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: verifier };
  return exchange({ web, client }, form);
}

async function exchange({ web, client: { client_id, client_secret } }, form) {
  const body = new URLSearchParams({ ...form, client_id, client_secret, resource: web.url });
  return (await web.browser().call("POST", "/oauth2/token", body)).data;
}

test("a token of oauth-provider is refused, and the refusal says what it is", needs("1.7"), async (t) => {
  const run = await provider(t);
  const { access_token: token } = await consented(run, "openid tasks:read");
  const { header, claims } = decode(token);
  assert.equal(header.typ, "at+jwt");
  assert.equal(claims.client_id, run.client.client_id);
  assert.equal(claims.iss, `${run.web.url}/api/auth`);
  const said = /^401 invalid_claims: this is an OAuth access token .*TODOWARD__AUTH__OAUTH_READ_SCOPES/;
  for (const trust of [{ BETTER_AUTH_URL: run.web.baseUrl }, run.trust]) {
    const app = await serveReady(t, trust);
    assert.match(await app.says(token), said);
    // The user's own token is accepted as before.
    assert.equal(await app.says(await run.alice.token()), "200");
  }
});

test("a token of oauth-provider does what its scopes allow, for its user, and no more", needs("1.7"), async (t) => {
  const run = await provider(t);
  const variables = { ...run.trust, ...READ, ...WRITE };
  const app = await serveReady(t, variables);
  const none = (await consented(run, "openid")).access_token;
  const reads = (await consented(run, "openid tasks:read")).access_token;
  const writes = (await consented(run, "tasks:write")).access_token;
  await app.create(await run.alice.token(), "hers");
  for (let i = 0; i < 2; i += 1) {
    assert.match(await app.says(none), /^403 insufficient_scope: .*tasks:read/);
    assert.equal(await app.says(reads), "200");
    const refused = await app.create(reads, "theirs");
    assert.equal(refused.data.code, "insufficient_scope");
    assert.match(refused.headers.get("www-authenticate"), /error="insufficient_scope".* scope="tasks:write"$/);
    assert.equal((await app.request("DELETE", "/api/v1/tasks?completed=true", reads)).status, 403);
  }
  const made = await app.create(writes, "for her");
  assert.equal(made.data.owner_id, run.alice.user.id);
  assert.equal((await app.tasks(reads)).data.items.length, 2);
  const checked = await checkToken(variables, reads);
  assert.match(checked.out, /^scope {5}may read; to write, .* the scope tasks:write$/m);
  assert.equal(checked.code, 0);
  assert.equal((await checkToken(variables, none)).code, 1);
  // Where its issuer is not accepted, its scopes do not help.
  const elsewhere = await serveReady(t, { BETTER_AUTH_URL: run.web.baseUrl, ...READ });
  assert.match(await elsewhere.says(reads), /^401 invalid_claims: the token is of another issuer/);
});

test("a client's own token is nobody's, whatever its scopes", needs("1.7"), async (t) => {
  const run = await provider(t);
  run.web.database
    .prepare("update oauthClient set clientCredentialsScopes = ?")
    .run(JSON.stringify(["tasks:write"]));
  const form = { grant_type: "client_credentials", scope: "tasks:write" };
  const { access_token: token } = await exchange(run, form);
  const { claims } = decode(token);
  assert.equal(claims.sub, run.client.client_id);
  const app = await serveReady(t, { ...run.trust, ...READ, ...WRITE });
  assert.match(await app.says(token), /^401 invalid_claims: sub is the OAuth client itself/);
  const strict = await serveReady(t, run.trust);
  assert.match(await strict.says(token), /^401 invalid_claims: this is an OAuth access token/);
});

test("an OpenID token is for the program that signs the user in, and opens nothing here", needs("1.7"), async (t) => {
  const run = await provider(t);
  const { id_token: token } = await consented(run, "openid tasks:write");
  assert.equal(decode(token).claims.aud, run.client.client_id);
  for (const scopes of [{}, { ...READ, ...WRITE }]) {
    const app = await serveReady(t, { ...run.trust, ...scopes });
    assert.match(await app.says(token), /^401 invalid_claims: this is an OpenID token/);
  }
});

test("an API key is exchanged for a token, and is none itself", needs("1.7"), async (t) => {
  const web = await frontend(t, { plugins: () => [apiKey({ enableSessionForAPIKeys: true })] });
  const alice = await web.signUp();
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  for (const prefix of [undefined, "todo_"]) {
    const { data } = await alice.call("POST", "/api-key/create", { name: "ci", prefix });
    assert.match(await app.says(data.key), /^401 malformed_token: this looks like an API key/);
    const got = await web.browser().call("GET", "/token", undefined, { "x-api-key": data.key });
    const made = await app.create(got.data.token, "by CI");
    assert.equal(made.data.owner_id, alice.user.id);
  }
});

test("where /token is switched off, the server and the header of the session still give tokens", async (t) => {
  const web = await frontend(t, { disabledPaths: ["/token"] });
  const alice = await web.signUp();
  await assert.rejects(alice.token(), /404/);
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const { headers } = await alice.call("GET", "/get-session");
  assert.equal(await app.says(headers.get("set-auth-jwt")), "200");
  const { token } = await web.auth.api.getToken({ headers: new Headers({ cookie: alice.cookieHeader }) });
  assert.equal(await app.says(token), "200");
});

test("who impersonates a user acts as that user, and the token does not say so", async (t) => {
  const web = await frontend(t, { plugins: () => [admin()] });
  const [alice, bob] = [await web.signUp("alice"), await web.signUp("bob")];
  web.database.prepare("update user set role = 'admin' where id = ?").run(bob.user.id);
  await bob.call("POST", "/admin/impersonate-user", { userId: alice.user.id });
  const app = await serveReady(t, { BETTER_AUTH_URL: web.baseUrl });
  const token = await bob.token();
  const made = await app.create(token, "by bob");
  assert.equal(made.data.owner_id, alice.user.id);
  const { claims } = decode(token);
  assert.equal(claims.sub, alice.user.id);
  assert.ok(!("act" in claims) && !("impersonatedBy" in claims));
});
