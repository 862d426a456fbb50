// The client as an app for React Native has it: in one file, with what older releases bring.

import "whatwg-fetch";
import { AbortController } from "abort-controller/dist/abort-controller";

globalThis.AbortController = AbortController;

export * from "../../src/index.js";
