// Writes public/sw.js after a build: worker.js with the list of all that the build loads. An unchanged build gives
// an unchanged file, and browsers see nothing new.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const app = join(import.meta.dirname, "..");
const at = (...parts) => join(app, ...parts);

const files = (directory) => readdirSync(at(directory), { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
const pathOf = (one, directory) => join(one.parentPath, one.name).slice(at(directory).length).replaceAll("\\", "/");

const built = files(".next/static").map((one) => pathOf(one, ".next/static")).filter((path) => /\.(js|css|woff2)$/.test(path) && !/Manifest\.js$/.test(path));
const own = files("public").map((one) => pathOf(one, "public")).filter((path) => /\.(png|svg)$/.test(path));
// Vary with what is in them.
const contents = own.map((path) => readFileSync(at("public", path)));
const worker = readFileSync(at("service-worker/worker.js"), "utf8");
const assets = [...built.map((path) => `/_next/static${path}`), ...own, "/icon.svg", "/manifest.webmanifest"].sort();
const hash = createHash("sha256").update(worker).update(assets.join("\n"));
for (const content of contents) hash.update(content);
const build = hash.digest("hex").slice(0, 16);

const script = worker.replace('"__BUILD__"', JSON.stringify(build)).replace('["__ASSETS__"]', JSON.stringify(assets));
mkdirSync(at("public"), { recursive: true });
writeFileSync(at("public/sw.js"), script);
console.log(`public/sw.js: build ${build}, ${assets.length} files`);

// What a container needs beside the server.
const standalone = at(".next/standalone/apps/web");
if (existsSync(standalone)) {
  cpSync(at("public"), join(standalone, "public"), { recursive: true });
  cpSync(at(".next/static"), join(standalone, ".next/static"), { recursive: true });
}
