// Chromium, and an origin with a page that has the store and, below `/api`, the real server.

import { buildSync } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium } from "playwright-core";
import { onTestFinished } from "vitest";
import { listening, sign } from "../support.js";

const { outputFiles } = buildSync({
  entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
  bundle: true,
  write: false,
  format: "esm",
});
const SCRIPT = outputFiles[0]!.text;

interface Passing {
  method: string;
  path: string;
  /** Of the token. */
  user: string;
}

/** An origin in front of a server. `passes` is asked before each request, and false cuts its connection. */
export async function originOf(target: string) {
  const requests: Passing[] = [];
  const origin = { url: "", requests, passes: (_: Passing): boolean | Promise<boolean> => true };
  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    if (!path.startsWith("/api")) {
      const token = /^\/token\?user=(.*)$/.exec(path);
      if (token) return response.end(sign(token[1]!));
      if (path === "/page.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(SCRIPT);
      const html = '<!doctype html><script type="module" src="/page.js"></script>';
      return response.writeHead(200, { "content-type": "text/html" }).end(html);
    }
    const claims = Buffer.from((headers.authorization ?? "").split(".")[1] ?? "", "base64url").toString();
    const request = { method, path, user: (JSON.parse(claims || "{}") as { sub: string }).sub };
    requests.push(request);
    if (!(await origin.passes(request))) return response.socket?.destroy();
    const outgoing = httpRequest(new URL(path, target), { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders();
      answer.on("error", () => response.destroy()).pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    return incoming.pipe(outgoing);
  });
  origin.url = await listening(server);
  return origin;
}

/** A browser with a profile on the disk, which it finds again when it starts anew. */
export async function browser() {
  const profile = mkdtempSync(join(tmpdir(), "todoward-chromium-"));
  const start = () =>
    chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      chromiumSandbox: false,
      args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
  let context: BrowserContext = await start();
  onTestFinished(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return {
    context: () => context,
    async restart() {
      await context.close();
      context = await start();
    },
  };
}
