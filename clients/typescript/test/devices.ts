// Devices of one user, each with a store of its own, on an IndexedDB in memory.

import "fake-indexeddb/auto";
import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import { Todoward, type TodowardOptions } from "../src/index.js";
import { openStore, type Store, type StoreOptions } from "../src/sync/index.js";
import { sign } from "./support.js";

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
