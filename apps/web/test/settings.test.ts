import assert from "node:assert/strict";
import { test } from "node:test";
import { known, SettingsStore } from "../lib/settings.ts";
import { UserStorage } from "../lib/storage.ts";

const DEFAULTS = { theme: "system", weekStart: 1, timeZone: null, singleKeys: true, density: "comfortable" };

test("settings that are stored are kept, and what makes no sense is left out", () => {
  const chosen = { theme: "dark", weekStart: 6, timeZone: "Asia/Tokyo", singleKeys: false, density: "compact" };
  assert.deepEqual(known(chosen), chosen);
  assert.deepEqual(known({ theme: "pink", weekStart: 3, timeZone: "Mars/Base", singleKeys: "no", density: 7 }), DEFAULTS);
  for (const nothing of [null, undefined, 7, "text", []]) assert.deepEqual(known(nothing), DEFAULTS);
});

test("settings follow another tab", () => {
  const stored = new Map<string, string>();
  const localStorage = { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => stored.set(key, value) };
  const window = Object.assign(new EventTarget(), { localStorage });
  Object.assign(globalThis, { window, document: { documentElement: { dataset: {} }, cookie: "" } });
  const storage = new UserStorage("ada", "localStorage");
  const [here, there] = [new SettingsStore(storage, "system"), new SettingsStore(storage, "system")];
  const end = here.start();
  there.change({ weekStart: 0, theme: "dark" });
  window.dispatchEvent(Object.assign(new Event("storage"), { key: storage.key("settings") }));
  // What is changed here next takes nothing back there.
  here.change({ density: "compact" });
  assert.deepEqual(here.get(), { ...DEFAULTS, weekStart: 0, theme: "dark", density: "compact" });
  assert.deepEqual(new SettingsStore(storage, "dark").get(), here.get());
  end();
});
