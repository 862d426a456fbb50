// nginx and Caddy with the configuration of deploy/, but for ports, paths and
// certificates.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../better-auth/support/wait.mjs";
import { read } from "./files.mjs";

/** Ports that were free a moment ago, all different. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((one) => new Promise((done) => one.listen(0, "127.0.0.1", done))));
  const ports = servers.map((one) => one.address().port);
  await Promise.all(servers.map((one) => new Promise((done) => one.close(done))));
  return ports;
}

/** Replaces texts, each of which must occur exactly once. */
function replace(text, changes) {
  for (const [from, to] of changes) {
    if (text.split(from).length !== 2) throw new Error(`not there once: ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}

export async function startNginx(t, { replicas }) {
  const directory = temporary(t);
  const [plain, tls] = await freePorts(2);
  const openssl = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=tasks.example.com";
  const san = ["-addext", "subjectAltName=DNS:tasks.example.com"];
  const files = ["-keyout", join(directory, "privkey.pem"), "-out", join(directory, "fullchain.pem")];
  execFileSync("openssl", [...openssl.split(" "), ...san, ...files], { stdio: "pipe" });
  const site = replace(read("deploy/nginx/todoward.conf"), [
    ["listen 80;", `listen 127.0.0.1:${plain};`],
    ["listen 443 ssl http2;", `listen 127.0.0.1:${tls} ssl http2;`],
    ["/etc/nginx/tls/fullchain.pem", join(directory, "fullchain.pem")],
    ["/etc/nginx/tls/privkey.pem", join(directory, "privkey.pem")],
    ["/var/log/nginx/todoward.log", join(directory, "access.log")],
    ["server 127.0.0.1:8080 ", `server 127.0.0.1:${replicas[0]} `],
    ["server 127.0.0.1:8081 ", `server 127.0.0.1:${replicas[1]} `],
  ]);
  const temporaries = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  writeFileSync(
    join(directory, "nginx.conf"),
    `daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
     ${process.getuid() === 0 ? "user root;" : ""} worker_processes 2;
     events {} http { ${temporaries.map((one) => `${one}_temp_path ${directory}/${one};`).join(" ")}
     ${site} }`,
  );
  const given = ["-p", directory, "-e", join(directory, "error.log"), "-c", join(directory, "nginx.conf")];
  const nginx = find("nginx");
  execFileSync(nginx, ["-t", ...given], { stdio: "pipe" });
  await run(t, directory, nginx, given, {}, [plain, tls]);
  return new Proxy({
    errors: () => readFileSync(join(directory, "error.log"), "utf8"),
    plain,
    tls,
    host: "tasks.example.com",
    base: "",
    ca: readFileSync(join(directory, "fullchain.pem")),
    log: () => readFileSync(join(directory, "access.log"), "utf8"),
  });
}

export async function startCaddy(t, { replicas, frontend }) {
  const directory = temporary(t);
  const [plain, tls] = await freePorts(2);
  const global = `{\n\tadmin off\n\thttp_port ${plain}\n\thttps_port ${tls}\n`;
  const caddyfile = replace(read("deploy/caddy/Caddyfile"), [
    ["{\n\t# A client must", `${global}\t# A client must`],
    ["output stdout", `output file ${directory}/access.log`],
  ]);
  writeFileSync(join(directory, "Caddyfile"), caddyfile);
  const variables = {
    DOMAIN: "localhost",
    TODOWARD_UPSTREAMS: replicas.map((port) => `127.0.0.1:${port}`).join(" "),
    FRONTEND: `127.0.0.1:${frontend}`,
    XDG_DATA_HOME: directory,
    XDG_CONFIG_HOME: directory,
    HOME: directory,
  };
  const given = ["run", "--config", join(directory, "Caddyfile"), "--adapter", "caddyfile"];
  const errors = await run(t, directory, find("caddy"), given, variables, [plain, tls]);
  const root = join(directory, "caddy/pki/authorities/local/root.crt");
  const proxy = new Proxy({
    errors,
    plain,
    tls,
    host: "localhost",
    base: "/backend",
    ca: await eventually("the certificate of Caddy's authority", () => readFileSync(root)),
    log: () => readFileSync(join(directory, "access.log"), "utf8"),
  });
  await eventually("Caddy has its certificate", () => proxy.request("GET", "/backend/"));
  return proxy;
}

export async function startHaproxy(t, { replicas }) {
  const directory = temporary(t);
  const [plain, stats] = await freePorts(2);
  const variables = {
    TODOWARD_BIND: `127.0.0.1:${plain}`,
    TODOWARD_STATS: `127.0.0.1:${stats}`,
    TODOWARD_A: `127.0.0.1:${replicas[0]}`,
    TODOWARD_B: `127.0.0.1:${replicas[1]}`,
  };
  const errors = await run(t, directory, find("haproxy"), ["-db", "-f", new URL("../../../deploy/ha/haproxy.cfg", import.meta.url).pathname], variables, [plain]);
  return new Proxy({ errors, plain, host: "localhost", base: "", isPlain: true });
}

function temporary(t) {
  const directory = mkdtempSync(join(tmpdir(), "todoward-proxy-"));
  mkdirSync(join(directory, "logs"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function find(program) {
  const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
  return execFileSync("sh", ["-c", 'command -v "$0"', program], { env: { PATH: path } }).toString().trim();
}

/** Runs a program until the test ends. When its ports are open, resolves to a function that gives its output. */
async function run(t, directory, program, given, variables, ports) {
  const child = spawn(program, given, { cwd: directory, env: variables, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGTERM");
  process.on("exit", kill);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const ended = new Promise((done) => child.once("close", done));
  t.after(async () => {
    process.off("exit", kill);
    kill();
    await ended;
  });
  for (const port of ports) {
    await eventually(`${program} listens`, () => {
      if (child.exitCode !== null) throw new Error(said);
      return answers(port);
    });
  }
  return () => said;
}

function answers(port) {
  return new Promise((done, failed) => {
    const probe = plainRequest({ port, host: "127.0.0.1", path: "/" }, (response) => done(response.resume()));
    probe.once("error", failed).end();
  });
}

class Proxy {
  constructor(given) {
    Object.assign(this, given);
    this.agent = new Agent({ keepAlive: true, maxSockets: 64, ca: this.ca, servername: this.host });
  }

  /** The API, wherever it is on this proxy. */
  api(method, path, options) {
    return this.request(method, this.base + path, options);
  }

  /** A stream of events: its status, and the blocks of lines that it sends, one by one. */
  async events(path, { token }) {
    const headers = { Host: this.host, Authorization: `Bearer ${token}` };
    const [send, port] = this.isPlain ? [plainRequest, this.plain] : [tlsRequest, this.tls];
    const to = { host: "127.0.0.1", port, path: this.base + path, headers, ca: this.ca, servername: this.host };
    const sent = send({ ...to, agent: false });
    const response = await new Promise((done, failed) => sent.once("response", done).once("error", failed).end());
    const blocks = (async function* () {
      let unread = "";
      for await (const bytes of response) {
        unread += bytes;
        for (let end; (end = unread.indexOf("\n\n")) >= 0; unread = unread.slice(end + 2)) yield unread.slice(0, end);
      }
    })();
    const next = async () => (await blocks.next()).value;
    return { status: response.statusCode, next, close: () => sent.destroy() };
  }

  /** A request over TLS, with a verified certificate; with `plain` over http. */
  request(method, path, { token, body, headers = {}, plain = this.isPlain ?? false, from = "127.0.0.1" } = {}) {
    const given = { Host: this.host, ...headers };
    if (token) given.Authorization = `Bearer ${token}`;
    if (body) given["Content-Type"] = "application/json";
    const [send, port] = plain ? [plainRequest, this.plain] : [tlsRequest, this.tls];
    // One agent keeps connections of different local addresses apart.
    const agent = plain ? undefined : this.agent;
    const to = { host: "127.0.0.1", localAddress: from, port, path, method, headers: given, agent };
    return new Promise((done, failed) => {
      const sent = send(to, (response) => {
        const parts = [];
        response.on("data", (bytes) => parts.push(bytes)).once("error", failed);
        response.once("end", () => {
          const text = Buffer.concat(parts).toString();
          done({ status: response.statusCode, headers: response.headers, text });
        });
      });
      sent.once("error", failed);
      sent.end(body);
    });
  }
}
