// What the engine of React Native has: the language, and what is named here. No crypto, structuredClone,
// DOMException, AbortSignal.timeout, ReadableStream, TextDecoder, atob, location.

import { createContext, runInContext } from "node:vm";
import { build, type Rollup } from "vite";
import XMLHttpRequest from "xhr2";
import type * as client from "../../src/index.js";

/** Its URL, of which older releases implement not much more. */
const URL = `globalThis.URL = class {
  constructor(href) { this.href = href; }
  get pathname() { throw new Error("not implemented"); }
}`;

/** It has no files here: what would come as one, and be read as text, comes as text. */
class TextRequest extends XMLHttpRequest {
  get responseType() {
    return "text";
  }
  set responseType(_) {}
}

type Runtime = typeof client & Pick<typeof globalThis, "AbortController">;

/** The client in such an engine. */
export async function reactNative(): Promise<Runtime> {
  const entry = new globalThis.URL("entry.js", import.meta.url).pathname;
  const output = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, minify: false, lib: { entry, formats: ["iife"], name: "app" } },
  });
  const [{ output: [chunk] }] = output as [Rollup.RollupOutput];
  const context = createContext({ XMLHttpRequest: TextRequest, FormData, setTimeout, clearTimeout });
  return runInContext(`${URL};${chunk.code};({ ...app, AbortController })`, context);
}
