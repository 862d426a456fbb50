import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.test.mjs",
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  // On a busy machine a page can be late. So a test gets a second try; what fails twice is broken.
  retries: process.env.CI ? 1 : 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: { actionTimeout: 15_000 },
  reporter: [["list"], ["./support/last-words.mjs"]],
});
