// After an export from the app: takes out what the app adds about itself, and
// writes the files as the tests want them.

import { readFileSync, writeFileSync } from "node:fs";
import { COLLECTION_FILE, ENVIRONMENT_FILE } from "./support/collection.mjs";

const noise = (key, value) => {
  if (/^_postman_exported_|^_exporter_id$|^_collection_link$/.test(key)) return undefined;
  return value;
};

for (const file of [COLLECTION_FILE, ENVIRONMENT_FILE]) {
  const data = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, `${JSON.stringify(data, noise, 2)}\n`);
}
