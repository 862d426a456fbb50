import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "test/servers.ts",
    include: ["test/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
