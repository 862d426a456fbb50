// The npm packages, installed from their tarballs into empty projects.

import { strict as assert } from "node:assert";
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { environment, packed, PLATFORM, project, run, serve, succeed, temporary, VERSION, ROOT } from "./support/packages.mjs";

const PACK = join(ROOT, "packaging/npm/pack.mjs");
const launcher = (folder) => join(folder, "node_modules/.bin/todoward");

/** Code that Node.js runs before the launcher, to make it see another machine. */
function pretending(t, code) {
  const file = join(temporary(t), "pretend.cjs");
  writeFileSync(file, code);
  return environment({ NODE_OPTIONS: `--require=${file}` });
}

/** How the launcher runs the binary: with process.execve, and as before Node.js 22.15, which has none. */
const WAYS = {
  "becomes the binary": (_t, more) => environment(more),
  "waits beside the binary": (t, more) => ({ ...pretending(t, "delete process.execve;"), ...more }),
};

/** A file that looks like a binary of a platform: its first bytes. */
function binaryOf(platform, folder) {
  const bytes = Buffer.alloc(256);
  if (platform.startsWith("linux")) {
    bytes.writeUInt32BE(0x7f454c46, 0);
    bytes.writeUInt16LE(platform.includes("arm64") ? 183 : 62, 18);
    if (!platform.endsWith("musl")) bytes.write("GLIBC_2.17\0GLIBC_2.34\0GLIBC_2.4\0", 64, "latin1");
  } else if (platform.startsWith("darwin")) {
    bytes.writeUInt32LE(0xfeedfacf, 0);
    bytes.writeUInt32LE(platform.endsWith("arm64") ? 0x0100000c : 0x01000007, 4);
  } else {
    bytes.write("MZ", 0, "latin1");
    bytes.writeUInt32LE(0x80, 0x3c);
    bytes.write("PE\0\0", 0x80, "latin1");
    bytes.writeUInt16LE(0x8664, 0x84);
  }
  const file = join(folder, `binary-${platform}`);
  writeFileSync(file, bytes);
  return file;
}

// All tests that change nothing share one project.
let installed;
const cleaning = [];
before(async () => {
  installed = await project({ after: (clean) => cleaning.push(clean) });
});
after(() => cleaning.forEach((clean) => clean()));

test("an empty project installs it, runs no script, and has its version", async () => {
  const version = await succeed("npx", ["--no-install", "todoward", "--version"], { cwd: installed, env: environment() });
  assert.equal(version.split(" ").slice(0, 2).join(" "), `todoward ${VERSION}`);
  const lock = readFileSync(join(installed, "package-lock.json"), "utf8");
  assert.doesNotMatch(lock, /hasInstallScript/);
  const { license, version: own } = JSON.parse(readFileSync(join(installed, "node_modules/todoward/package.json"), "utf8"));
  assert.deepEqual([license, own], ["MIT", VERSION]);
  for (const file of ["LICENSE", "THIRD-PARTY"]) assert.ok(existsSync(join(installed, "node_modules/@todoward", PLATFORM, file)), file);
});

test("`npm run` with `todoward dev` serves until Ctrl+C, which npm, its shell and the server get at once", async (t) => {
  const folder = await project(t);
  const { url, child, ended, output } = await serve(t, "npm", ["run", "tasks"], { cwd: folder, env: environment(), detached: true });
  assert.equal((await fetch(url)).status, 200);
  assert.ok(existsSync(join(folder, "todoward-dev.db")));
  process.kill(-child.pid, "SIGINT");
  await ended;
  assert.match(output(), /stopped/);
});

for (const [way, settings] of Object.entries(WAYS)) {
  test(`the launcher ${way}: SIGTERM and SIGINT stop the server, which ends with 0`, async (t) => {
    for (const signal of ["SIGTERM", "SIGINT"]) {
      const { url, child, ended, output } = await serve(t, launcher(installed), ["dev"], { cwd: temporary(t), env: settings(t) });
      assert.equal((await fetch(url)).status, 200);
      if (process.platform === "linux") {
        assert.equal(readlinkSync(`/proc/${child.pid}/exe`).endsWith("/node"), way !== "becomes the binary");
      }
      child.kill(signal);
      assert.deepEqual(await ended, { code: 0, signal: null });
      assert.match(output(), /stopped/);
    }
  });

  test(`the launcher ${way}: arguments, standard input, output and exit codes are the binary's`, async (t) => {
    const env = settings(t, { BETTER_AUTH_SECRET: "s3cret, of the length that is needed" });
    const token = await succeed(launcher(installed), ["token", "--sub", "alice b"], { env });
    const taken = await run(launcher(installed), ["check-token"], { env, input: token });
    assert.equal(taken.code, 0);
    assert.match(taken.stdout, /the owner is "alice b"/);
    const refused = await run(launcher(installed), ["check-token"], { env, input: "nonsense" });
    assert.equal(refused.code, 1);
    const wrong = await run(launcher(installed), ["serve"], { env: { ...env, PORT: "abc" } });
    assert.equal(wrong.code, 78);
    assert.match(wrong.stderr, /^todoward: PORT must be/);
    assert.equal((await run(launcher(installed), ["--unknown"], { env })).code, 2);
  });
}

test("where the binary is killed, so is the launcher that waits beside it", async (t) => {
  const env = WAYS["waits beside the binary"](t);
  const { child, ended } = await serve(t, launcher(installed), ["dev"], { cwd: temporary(t), env });
  const [binary] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ");
  process.kill(Number(binary), "SIGKILL");
  assert.deepEqual(await ended, { code: null, signal: "SIGKILL" });
});

test("without the optional dependency it says which package is missing, and why", async (t) => {
  const folder = await project(t, { options: ["--omit=optional"] });
  const { code, stderr } = await run(launcher(folder), ["--version"], { env: environment() });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^todoward: the package @todoward/${PLATFORM} is not installed\\..*--omit=optional`));
  assert.equal(stderr.trim().split("\n").length, 1);
});

const MACHINES = [
  ["a platform without a package", 'Object.defineProperty(process, "platform", { value: "sunos" });', `no binary for sunos-${process.arch}, only for .*${PLATFORM}`],
  ["Linux without glibc", "process.report.getReport = () => ({ header: {} });", `(no binary for |the package @todoward/)${PLATFORM}-musl`],
  ["a glibc that is too old", 'process.report.getReport = () => ({ header: { glibcVersionRuntime: "2.9" } });', "needs glibc 2\\.\\d+, and this system has 2\\.9"],
];
for (const [machine, code, sentence] of MACHINES) {
  test(`on ${machine} it says so`, async (t) => {
    const ended = await run(launcher(installed), ["--version"], { env: pretending(t, code) });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, new RegExp(`^todoward: .*${sentence}`));
    assert.equal(ended.stdout, "");
  });
}

test("a binary that may not be run is named", async (t) => {
  const folder = await project(t);
  const binary = join(folder, "node_modules/@todoward", PLATFORM, "todoward");
  chmodSync(binary, 0o644);
  const { code, stderr } = await run(launcher(folder), ["--version"], { env: environment() });
  assert.equal(code, 1);
  assert.match(stderr, /^todoward: cannot run \S+\/todoward: EACCES/);
});

test("each platform has a package, of which npm installs the one that fits", async (t) => {
  const folder = temporary(t);
  const all = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-arm64-musl", "linux-x64-musl", "win32-x64"].filter((one) => one !== PLATFORM);
  await succeed("node", [PACK, folder, ...all.map((platform) => `${platform}=${binaryOf(platform, folder)}`)]);
  const platforms = Object.fromEntries(all.map((platform) => [platform, join(folder, `todoward-${platform}-${VERSION}.tgz`)]));
  const own = { [PLATFORM]: packed(new RegExp(`^todoward-${PLATFORM}-\\d`)) };
  const app = await project(t, { platforms: { ...platforms, ...own }, todoward: join(folder, `todoward-${VERSION}.tgz`) });

  const { optionalDependencies } = JSON.parse(readFileSync(join(app, "node_modules/todoward/package.json"), "utf8"));
  assert.deepEqual(optionalDependencies, Object.fromEntries(all.map((platform) => [`@todoward/${platform}`, VERSION])));
  for (const platform of all) {
    const there = existsSync(join(app, "node_modules/@todoward", platform));
    assert.equal(there, platform === PLATFORM, platform);
  }
  assert.ok(existsSync(join(app, "node_modules/@todoward", PLATFORM)));

  const lock = JSON.parse(readFileSync(join(app, "package-lock.json"), "utf8")).packages;
  const musl = lock["node_modules/@todoward/linux-arm64-musl"];
  assert.deepEqual([musl.os, musl.cpu, musl.libc], [["linux"], ["arm64"], ["musl"]]);
});

test("packing the same binaries again makes the same bytes", async (t) => {
  const folder = temporary(t);
  const binary = binaryOf("win32-x64", folder);
  for (const into of ["one", "two"]) {
    await succeed("node", [PACK, join(folder, into), `win32-x64=${binary}`]);
    chmodSync(binary, 0o600);
  }
  for (const name of [`todoward-${VERSION}.tgz`, `todoward-win32-x64-${VERSION}.tgz`]) {
    assert.ok(readFileSync(join(folder, "one", name)).equals(readFileSync(join(folder, "two", name))), name);
  }
});

test("a binary of another platform, C library or release is not packed", async (t) => {
  const folder = temporary(t);
  const refused = async (argument, sentence) => {
    const { code, stderr } = await run("node", [PACK, join(folder, "out"), argument]);
    assert.equal(code, 1, argument);
    assert.match(stderr, sentence);
    assert.ok(!existsSync(join(folder, "out", `todoward-${VERSION}.tgz`)));
  };
  await refused(`linux-arm64=${binaryOf("linux-x64", folder)}`, /no binary for linux-arm64/);
  await refused(`darwin-x64=${binaryOf("darwin-arm64", folder)}`, /no binary for darwin-x64/);
  await refused(`linux-arm64-musl=${binaryOf("linux-arm64", folder)}`, /needs glibc/);
  await refused(`linux-arm64=${binaryOf("linux-arm64-musl", folder)}`, /does not need glibc/);
  await refused(`plan9-x64=${binaryOf("linux-x64", folder)}`, /plan9-x64 is none of/);
  if (PLATFORM === "linux-x64") await refused(`linux-x64=${process.execPath}`, /node is of .*, and Cargo\.toml of/);
});
