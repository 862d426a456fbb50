// The settings that deploy/ gives are taken by the real binary, and fit together.

import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { startFrontend } from "../better-auth/support/frontend.mjs";
import { postgres } from "../better-auth/support/postgres.mjs";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { compose, defaultSetting, imageVariables, manifest, podVariables, read, variables } from "./support/files.mjs";

const ENV = { DOMAIN: "app.example.com", POSTGRES_PASSWORD: "secret", BETTER_AUTH_SECRET: "secret" };
const COMPOSE = compose(ENV);

/** A server with these settings, except addresses that exist in a container only. */
async function serveHere(t, settings) {
  assert.equal(settings.TODOWARD__LOG__FORMAT, "json");
  const frontend = await startFrontend({ baseUrl: () => "https://app.example.com" });
  t.after(() => frontend.stop());
  const server = await serveReady(t, {
    ...settings,
    DATABASE_URL: await postgres(t),
    JWKS_URL: `${frontend.url}/api/auth/jwks`,
    HOST: "127.0.0.1",
    PORT: "0",
    TODOWARD__METRICS__HOST: "127.0.0.1",
    TODOWARD__METRICS__PORT: "0",
    // The support code finds the address in the log, which it reads as text.
    TODOWARD__LOG__FORMAT: "text",
  });
  const token = await (await frontend.signUp("ada")).token();
  return server.says(token);
}

for (const name of ["todoward-1", "todoward-2"]) {
  test(`${name} of the Compose file takes a token of its frontend`, async (t) => {
    const { environment } = COMPOSE.services[name];
    assert.equal(await serveHere(t, { ...imageVariables(), ...environment }), "200");
  });
}

test("a pod takes a token of its frontend", async (t) => {
  assert.equal(await serveHere(t, { ...imageVariables(), ...podVariables() }), "200");
});

test("the example .env names every variable of the Compose file", () => {
  const example = read("deploy/.env.example");
  const named = new Set(example.match(/^#?[A-Z_]+(?==)/gm).map((name) => name.replace("#", "")));
  for (const [, name] of read("deploy/compose.yaml").matchAll(/\$\{(\w+)/g)) assert(named.has(name), name);
  for (const name of ["POSTGRES_PASSWORD", "BETTER_AUTH_SECRET"]) {
    assert.equal(variables(example)[name], "", `${name} is for the operator to make`);
  }
});

test("the Compose file starts only with its secrets", () => {
  for (const name of Object.keys(ENV)) {
    assert.throws(() => compose({ ...ENV, [name]: "" }), new RegExp(name));
  }
});

test("only the proxy is believed and only it can be reached", () => {
  const { services, networks } = COMPOSE;
  const address = services.proxy.networks.inside.ipv4_address;
  for (const [name, { environment, ports }] of Object.entries(services)) {
    if (name.startsWith("todoward-")) assert.equal(environment.TODOWARD__SERVER__TRUSTED_PROXIES, address);
    if (name !== "proxy") assert.equal(ports, undefined, `${name} publishes a port`);
  }
  const [{ subnet, ip_range }] = networks.inside.ipam.config;
  assert.deepEqual([subnet, ip_range, address], ["172.31.87.0/24", "172.31.87.128/25", "172.31.87.2"]);
  assert(!/EXPOSE.*9090/.test(read("Dockerfile")));
  assert(manifest("service.yaml").spec.ports.every(({ targetPort }) => targetPort === "http"));
});

test("every service is bounded and without privileges", () => {
  for (const [name, service] of Object.entries(COMPOSE.services)) {
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ["ALL"], name);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
    assert(service.mem_limit && service.pids_limit && service.logging.options["max-size"], name);
  }
});

test("whoever stops a server waits longer than the server", () => {
  const limit = defaultSetting("shutdown_timeout");
  for (const name of ["todoward-1", "todoward-2"]) {
    assert(parseInt(COMPOSE.services[name].stop_grace_period) > limit);
  }
  assert(manifest("deployment.yaml").spec.template.spec.terminationGracePeriodSeconds > limit);
});

test("the proxies' limits fit the server's", () => {
  const nginx = read("deploy/nginx/todoward.conf");
  const caddy = read("deploy/caddy/Caddyfile");
  const figure = (text, name) => Number(new RegExp(`${name} (\\d+)[sk]`).exec(text)[1]);
  const request = defaultSetting("request_timeout");
  assert(figure(nginx, "proxy_read_timeout") > request);
  assert(figure(caddy, "response_header_timeout") > request);
  assert.equal(figure(nginx, "client_max_body_size") * 1024, defaultSetting("body_limit"));
  // The server lets an idle connection go after 75 s.
  const upstream = /^upstream[\s\S]*?^}/m.exec(nginx)[0];
  assert(figure(upstream, "keepalive_timeout") < 75);
  assert(figure(caddy, "keepalive") < 75);
});

test("the kustomization has every manifest that is not for special cases", () => {
  const { resources, configMapGenerator } = manifest("kustomization.yaml");
  for (const name of [...resources, ...configMapGenerator[0].envs]) {
    assert(existsSync(new URL(`../../deploy/kubernetes/${name}`, import.meta.url)), name);
  }
  const [container] = manifest("deployment.yaml").spec.template.spec.containers;
  const sources = container.envFrom.map((one) => (one.configMapRef ?? one.secretRef).name);
  assert.deepEqual(sources, [configMapGenerator[0].name, manifest("secret.example.yaml").metadata.name]);
});
