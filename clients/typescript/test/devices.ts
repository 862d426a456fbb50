// Devices of one user, each with a store of its own, on an IndexedDB in memory.

import "fake-indexeddb/auto";
import { randomUUID } from "node:crypto";
import { createServer, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { Todoward, type TodowardOptions } from "../src/index.js";
import { openStore, type Store, type StoreOptions } from "../src/sync/index.js";
import { type Fault, listening, sign } from "./support.js";

export const newUser = () => `user-${randomUUID()}`;

export interface Device {
  store: Store;
  /** Requests fail as they do without a network. */
  offline: boolean;
  /** Closes the store, and opens it anew, as after a restart. */
  restart(): Promise<void>;
}

type Options = Omit<StoreOptions, "client"> & { client?: Partial<TodowardOptions> };

export async function device(url: string, user: string, { client, ...options }: Options = {}): Promise<Device> {
  const name = options.name ?? randomUUID();
  const opened = () => {
    const todoward = new Todoward({
      baseUrl: url,
      user,
      token: async () => sign(user),
      fetch: (input, init) => (made.offline ? Promise.reject(new TypeError("offline")) : fetch(input, init)),
      ...client,
    });
    return openStore({ ...options, name, client: todoward });
  };
  const made: Device = {
    store: undefined as never,
    offline: false,
    async restart() {
      made.store.close();
      made.store = await opened();
    },
  };
  made.store = await opened();
  onTestFinished(() => made.store.close());
  return made;
}

/** A client that writes on the server directly. */
export function direct(url: string, user: string): Todoward {
  return new Todoward({ baseUrl: url, user, token: async () => sign(user) });
}

interface Passing {
  method: string;
  path: string;
}

/** A proxy that lets responses through as they come, streams too, but for the requests of which it is told a fault. */
export async function selectiveProxy(
  target: string,
  faultOf: (request: Passing) => Fault | undefined,
  { onStream }: { onStream?: (response: { destroy: () => unknown }) => void } = {},
) {
  const requests: Passing[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const body = await text(incoming);
    requests.push({ method, path });
    const outgoing = httpRequest(new URL(path, target), { method, headers, agent: false });
    response.on("close", () => outgoing.destroy());
    outgoing.on("error", () => response.destroy());
    const fault = faultOf({ method, path });
    if (!fault) {
      if (path.endsWith("/stream")) onStream?.(response);
      outgoing.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.on("error", () => response.destroy()).pipe(response);
        response.flushHeaders();
      });
      outgoing.end(body);
      return;
    }
    const forward = () =>
      new Promise<{ status: number; headers: object; body: string }>((done) => {
        outgoing.on("response", async (answer) => {
          done({ status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) });
        });
        outgoing.end(body);
      });
    await fault(response, forward as never);
  });
  return { requests, url: await listening(server) };
}
