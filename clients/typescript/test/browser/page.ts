// What the page of the tests in Chromium runs.

import { Todoward } from "../../src/index.js";
import { openStore, type Rejection, type Store } from "../../src/sync/index.js";

async function open(user: string): Promise<void> {
  const token = async () => (await fetch(`/token?user=${user}`)).text();
  const client = new Todoward({ baseUrl: "", user, token });
  page.store = await openStore({ client, onRejected: (rejection) => page.rejections.push(rejection) });
}

const page = { open, store: undefined as unknown as Store, rejections: [] as Rejection[] };

export type Page = typeof page;

Object.assign(globalThis, { page });
