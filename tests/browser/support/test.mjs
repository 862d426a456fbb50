// What every test begins with: a browser, and both servers, for all tests of a worker.

import { createServer } from "node:http";
import { test as base } from "@playwright/test";
import { Ending, startStack } from "./stack.mjs";
import { openBrowser, visit } from "./visitor.mjs";

export { expect } from "@playwright/test";

export const test = base.extend({
  chromium: [
    async ({}, use) => {
      const browser = await openBrowser();
      await use(browser);
      await browser.close();
    },
    { scope: "worker" },
  ],
  stack: [
    async ({}, use) => {
      const ending = new Ending();
      try {
        await use(await startStack(ending));
      } finally {
        await ending.end();
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],
  /** What a test itself has started ends here, after the browsers that use it: one that is
   * still open when a server goes away reports a fault that is not the test's. */
  ending: async ({}, use) => {
    const ending = new Ending();
    try {
      await use(ending);
    } finally {
      await ending.end();
    }
  },
  /** Starts servers that are set up otherwise, for one test. */
  start: async ({ ending }, use) => {
    await use((options) => startStack(ending, options));
  },
  /** Listens in Todoward's stead, and tells the address. */
  listen: async ({ ending }, use) => {
    await use(async (answer) => {
      const server = createServer(answer);
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      ending.after(() => {
        server.closeAllConnections();
        server.close();
      });
      return `http://127.0.0.1:${server.address().port}`;
    });
  },
  /** Opens a browser context on the shared servers, or on `options.stack`. */
  visitor: async ({ chromium, stack, ending: _ }, use, info) => {
    const all = [];
    await use(async ({ stack: other = stack, ...options } = {}) => {
      const one = await visit(other, options);
      all.push(one);
      return one;
    });
    if (info.status !== info.expectedStatus) {
      for (const { page } of all) {
        await info.attach("page", { body: await page.screenshot(), contentType: "image/png" }).catch(() => {});
      }
    }
    for (const { context } of all) await context.close();
    for (const one of all) one.check();
  },
});
