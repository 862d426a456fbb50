import { createHmac, randomUUID } from "node:crypto";
import { createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { Todoward, type TodowardOptions } from "../src/index.js";

export const SECRET = "a-secret-of-the-tests-of-the-client";

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token as Better Auth signs it with a secret; `seconds` until it expires, or since. */
export function sign(sub: string, seconds = 900, more: { iat?: number; isAnonymous?: true } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const said = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ sub, iat: now - 1000, exp: now + seconds, ...more })}`;
  return `${said}.${createHmac("sha256", SECRET).update(said).digest("base64url")}`;
}

/** A client for a user of its own. */
export function clientOf(baseUrl: string, options: Partial<TodowardOptions> = {}): Todoward {
  const user = `user-${randomUUID()}`;
  return new Todoward({ baseUrl, token: async () => sign(user), ...options });
}

/** Two pages of one user. */
export function twoPages(baseUrl: string): [Todoward, Todoward] {
  const token = sign(`user-${randomUUID()}`);
  const page = () => clientOf(baseUrl, { token: async () => token });
  return [page(), page()];
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`not rejected, but ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Request {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What happens to one request; `forward` lets the real server answer it. */
export type Fault = (response: ServerResponse, forward: () => Promise<Answer>) => unknown;

export const pass: Fault = async (response, forward) => {
  const { status, headers, body } = await forward();
  response.writeHead(status, headers).end(body);
};
/** The connection is lost before the server has heard of the request. */
export const cutBefore: Fault = (response) => response.socket?.destroy();
/** The server has done what was asked, and nobody hears of it. */
export const cutAfter: Fault = async (response, forward) => {
  await forward();
  response.socket?.destroy();
};
export const never: Fault = () => {};
export const says =
  (status: number, type: string, body: string, headers: Record<string, string> = {}): Fault =>
  (response) =>
    response.writeHead(status, { "content-type": type, ...headers }).end(body);
/** As the server answers if it lost its database while it wrote: the write was done, or was not. */
export const refuses =
  (status: number, code: string, { done = false, after = "0" } = {}): Fault =>
  async (response, forward) => {
    if (done) await forward();
    const problem = { type: "about:blank", title: "", status, code, detail: "as a test wants it", instance: "/" };
    const headers = { "content-type": "application/problem+json", "retry-after": after };
    response.writeHead(status, headers).end(JSON.stringify({ ...problem, request_id: "1" }));
  };

/** A proxy before a real server: the first requests meet these faults, all others pass. */
export async function faultyProxy(target: string, ...faults: Fault[]) {
  const requests: Request[] = [];
  /** What the page was told, of each request that was answered. */
  const statuses: number[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const body = await text(incoming);
    response.once("finish", () => statuses.push(response.statusCode));
    requests.push({ method, path, headers, body });
    const forward = () => forwarded(new URL(path, target), { method, headers }, body);
    await (faults.shift() ?? pass)(response, forward);
  });
  return { requests, statuses, next: (...more: Fault[]) => faults.push(...more), url: await listening(server) };
}

function forwarded(url: URL, init: { method: string; headers: IncomingHttpHeaders }, body: string): Promise<Answer> {
  return new Promise((done, failed) => {
    const outgoing = httpRequest(url, { ...init, agent: false }, async (answer) => {
      const { connection: _, ...kept } = answer.headers;
      done({ status: answer.statusCode ?? 0, headers: kept, body: await text(answer) });
    });
    outgoing.once("error", failed).end(body);
  });
}

/** Listens until the test ends. */
export async function listening(server: Server & { closeAllConnections?(): void }): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections?.();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
