// What the linters that people run say of openapi.json. Exceptions stand in their files
// of rules, with a reason.

import { test } from "node:test";
import { DOCUMENT, npx } from "./support/programs.mjs";

test("Redocly finds nothing", () => npx("redocly", ["lint", DOCUMENT]));

test("Spectral finds nothing", () => npx("spectral", ["lint", "--fail-severity=hint", DOCUMENT]));
