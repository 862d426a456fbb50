// Writes the licenses of everything that is linked into the binary: most of them want to come
// along with it.
//
//   node packaging/third-party.mjs FILE
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LICENSE = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;

/** The license files of a crate, and of the C sources two folders down. */
function texts(folder, depth = 2) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth > 0 ? texts(path, depth - 1) : [];
    return LICENSE.test(entry.name) && !/\.(rs|h|c|py)$/.test(entry.name) ? [path] : [];
  });
}

const { packages, resolve } = JSON.parse(
  execFileSync("cargo", ["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  }),
);
const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));

// The crates that are linked, without tools of the build, but with build dependencies that bring C sources.
const linked = new Set();
const pending = [resolve.root];
while (pending.length > 0) {
  const id = pending.pop();
  if (linked.has(id)) continue;
  linked.add(id);
  for (const dependency of nodes.get(id).deps) {
    const kinds = dependency.dep_kinds.map(({ kind }) => kind);
    if (kinds.includes(null) || (kinds.includes("build") && /[-_]src$/.test(dependency.name))) pending.push(dependency.pkg);
  }
}

const crates = packages
  .filter(({ id }) => linked.has(id) && id !== resolve.root)
  .sort((a, b) => (a.name + a.version < b.name + b.version ? -1 : 1));
const seen = new Map();
for (const crate of crates) {
  const folder = dirname(crate.manifest_path);
  for (const path of texts(folder).sort()) {
    const text = readFileSync(path, "utf8").trim();
    const hash = createHash("sha256").update(text.replaceAll(/\s+/g, " ")).digest("hex");
    const entry = seen.get(hash) ?? { text, of: [] };
    entry.of.push(`${crate.name} ${crate.version}: ${relative(folder, path)}`);
    seen.set(hash, entry);
  }
}
const swagger = join(ROOT, "src/openapi/docs");
const line = "=".repeat(78);
writeFileSync(
  process.argv[2],
  [
    "Libraries in the binary of Todoward, their licenses, and the texts of these.\n",
    ...crates.map(({ name, version, license }) => `${name} ${version}: ${license}`),
    "Swagger UI: Apache-2.0",
    ...[...seen.values()].map(({ text, of }) => `\n${line}\n${of.join("\n")}\n${line}\n\n${text}`),
    `\n${line}\nSwagger UI\n${line}\n\n${readFileSync(join(swagger, "LICENSE-swagger-ui"), "utf8")}`,
  ].join("\n"),
);
