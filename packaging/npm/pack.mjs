// Packs the npm packages: `todoward`, and one for each platform with its binary.
//
//   node packaging/npm/pack.mjs DIRECTORY PLATFORM=BINARY...
//
// With THIRD_PARTY=FILE the licenses of packaging/third-party.mjs come with each binary.
//
// The platforms are the keys of PLATFORMS. `todoward` depends on those that are named, so a
// release names all that it has.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = resolve(HERE, "../..");

/** What npm compares with the machine, and what tells a binary for it by its first bytes. */
const PLATFORMS = {
  "linux-x64": { os: "linux", cpu: "x64", libc: "glibc", is: elf(62) },
  "linux-x64-musl": { os: "linux", cpu: "x64", libc: "musl", is: elf(62) },
  "linux-arm64": { os: "linux", cpu: "arm64", libc: "glibc", is: elf(183) },
  "linux-arm64-musl": { os: "linux", cpu: "arm64", libc: "musl", is: elf(183) },
  "darwin-x64": { os: "darwin", cpu: "x64", is: machO(0x01000007) },
  "darwin-arm64": { os: "darwin", cpu: "arm64", is: machO(0x0100000c) },
  "win32-x64": { os: "win32", cpu: "x64", is: portableExecutable(0x8664) },
};

function elf(machine) {
  return (bytes) => bytes.readUInt32BE(0) === 0x7f454c46 && bytes.readUInt16LE(18) === machine;
}

function machO(cpu) {
  return (bytes) => bytes.readUInt32LE(0) === 0xfeedfacf && bytes.readUInt32LE(4) === cpu;
}

function portableExecutable(machine) {
  return (bytes) => {
    const header = bytes.toString("latin1", 0, 2) === "MZ" ? bytes.readUInt32LE(0x3c) : 0;
    return header > 0 && bytes.toString("latin1", header, header + 4) === "PE\0\0" && bytes.readUInt16LE(header + 4) === machine;
  };
}

/** The oldest glibc that has every symbol which the binary asks for, as "2.34"; none for a static one. */
function neededGlibc(bytes) {
  const versions = bytes.toString("latin1").matchAll(/GLIBC_2\.(\d+)[\0.]/g);
  const minor = Math.max(...[...versions].map((match) => Number(match[1])));
  return minor >= 0 ? `2.${minor}` : undefined;
}

function fail(message) {
  console.error(`pack.mjs: ${message}`);
  process.exit(1);
}

/** Checks that a binary is for the platform that its package names: a published package cannot be replaced. */
function check(platform, path, version) {
  const { is, libc, os, cpu } = PLATFORMS[platform] ?? fail(`${platform} is none of ${Object.keys(PLATFORMS).join(", ")}`);
  const bytes = readFileSync(path);
  if (bytes.length < 64 || !is(bytes)) fail(`${path} is no binary for ${platform}`);
  const glibc = os === "linux" ? neededGlibc(bytes) : undefined;
  if (libc === "musl" && glibc) fail(`${path} needs glibc: it is no binary for ${platform}`);
  if (libc === "glibc" && !glibc) fail(`${path} does not need glibc: it is a binary for ${platform}-musl`);
  if (os === process.platform && cpu === process.arch && libc !== "musl") {
    const says = execFileSync(resolve(path), ["--version"], { encoding: "utf8" }).trim();
    if (!says.startsWith(`todoward ${version} `)) fail(`${path} is of ${says}, and Cargo.toml of ${version}`);
  }
  return { glibc };
}

const [directory, ...named] = process.argv.slice(2);
if (!directory || named.length === 0) fail("usage: pack.mjs DIRECTORY PLATFORM=BINARY...");
const binaries = new Map(named.map((argument) => argument.split(/=(.*)/s).slice(0, 2)));

const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--locked", "--no-deps", "--format-version", "1"], { cwd: ROOT, encoding: "utf8" }),
);
const { version } = metadata.packages[0];
const template = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));
const work = mkdtempSync(join(tmpdir(), "todoward-npm-"));
process.on("exit", () => rmSync(work, { recursive: true }));

/** Writes a package's files, and packs them. npm gives every file the same time, so equal files make equal packages. */
function pack(name, packageJson, readme, add) {
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageJson, null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), readme);
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  add(folder);
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", resolve(directory)], { cwd: folder, encoding: "utf8" });
  console.log(join(directory, packed.trim()));
}

mkdirSync(directory, { recursive: true });
const { license, publishConfig } = template;
for (const [platform, path] of binaries) {
  const { os, cpu, libc } = PLATFORMS[platform] ?? {};
  const file = os === "win32" ? "todoward.exe" : "todoward";
  const { glibc } = check(platform, path, version);
  const packageJson = {
    name: `@todoward/${platform}`,
    version,
    description: `The binary of todoward for ${platform}`,
    license,
    os: [os],
    cpu: [cpu],
    libc: libc && [libc],
    files: [file, "THIRD-PARTY"],
    // Yarn keeps packages zipped otherwise, and nothing in an archive can be run.
    preferUnplugged: true,
    publishConfig,
    todoward: { file, glibc },
  };
  pack(platform, packageJson, `The binary of the package "todoward" for ${platform}. Install that one.\n`, (folder) => {
    copyFileSync(path, join(folder, file));
    chmodSync(join(folder, file), 0o755);
    if (process.env.THIRD_PARTY) copyFileSync(process.env.THIRD_PARTY, join(folder, "THIRD-PARTY"));
  });
}

const { private: _, ...published } = template;
const optionalDependencies = Object.fromEntries([...binaries.keys()].sort().map((platform) => [`@todoward/${platform}`, version]));
pack("todoward", { ...published, version, optionalDependencies }, readFileSync(join(HERE, "README.md"), "utf8"), (folder) => {
  cpSync(join(HERE, "bin"), join(folder, "bin"), { recursive: true });
});
