import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string) => fileURLToPath(new URL(`src/${name}`, import.meta.url));

export default defineConfig({
  // The examples are written as a user writes them.
  resolve: {
    alias: [
      { find: /^todoward-client$/, replacement: source("index.ts") },
      { find: /^todoward-client\/sync$/, replacement: source("sync/index.ts") },
    ],
  },
  test: {
    globalSetup: "test/servers.ts",
    include: ["test/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
