// The Debian package: what is in it. `make packages-test` installs it.

import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { packed, read, run, succeed, temporary, VERSION } from "./support/packages.mjs";

const SCRIPTS = ["postinst", "postrm", "prerm"];

/** The lines of a file of variables, also those that are commented out. */
function variables(text) {
  return new Map([...text.matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map((match) => [match[1], match[2]]));
}

const cleaning = [];
after(() => cleaning.forEach((clean) => clean()));
let deb, root, control;
before(async () => {
  deb = packed(/\.deb$/);
  root = temporary({ after: (clean) => cleaning.push(clean) });
  control = join(root, "DEBIAN");
  await succeed("dpkg-deb", ["--raw-extract", deb, root]);
});

const file = (path) => readFileSync(join(root, path), "utf8");
const unit = () => file("usr/lib/systemd/system/todoward.service");

test("its name and version are those of Cargo.toml, and it depends on the C library that the binary needs", async () => {
  assert.match(deb, new RegExp(`/todoward_${VERSION.replaceAll(".", "\\.")}-1_(amd64|arm64)\\.deb$`));
  const fields = file("DEBIAN/control");
  assert.match(fields, new RegExp(`^Version: ${VERSION}-1$`, "m"));
  const symbols = readFileSync(join(root, "usr/bin/todoward"), "latin1").matchAll(/GLIBC_2\.(\d+)\0/g);
  const minor = Math.max(...[...symbols].map((match) => Number(match[1])));
  const [, declared] = /libc6 \(>= 2\.(\d+)\)/.exec(fields);
  assert.ok(Number(declared) >= minor, `${declared} < ${minor}`);
  assert.match(gunzipSync(readFileSync(join(root, "usr/share/doc/todoward/changelog.Debian.gz"))).toString(), new RegExp(`^todoward \\(${VERSION}-1\\) `));
});

test("its files belong to root, and only the settings are not for everyone", async () => {
  const listed = (await succeed("dpkg-deb", ["--contents", deb])).trim().split("\n");
  const modes = new Map(listed.map((line) => [line.split(/\s+/)[5], line.split(/\s+/).slice(0, 2).join(" ")]));
  for (const [path, mode] of modes) {
    const expected = path.endsWith("/") ? "drwxr-xr-x" : { "./usr/bin/todoward": "-rwxr-xr-x", "./etc/todoward/environment": "-rw-r-----" }[path] ?? "-rw-r--r--";
    assert.match(mode, new RegExp(`^${expected} (0/0|root/root)$`), path);
  }
  assert.equal(file("DEBIAN/conffiles").trim(), "/etc/todoward/environment");
  for (const path of ["copyright", "third-party.gz", "examples/default.toml", "examples/environment"]) {
    assert.ok(existsSync(join(root, "usr/share/doc/todoward", path)), path);
  }
});

test("its scripts are shell that starts and enables nothing which was not before", async () => {
  for (const script of SCRIPTS) {
    await succeed("sh", ["-n", join(control, script)]);
    assert.doesNotMatch(file(`DEBIAN/${script}`), /#DEBHELPER#/);
  }
  const postinst = file("DEBIAN/postinst");
  assert.doesNotMatch(postinst, /deb-systemd-invoke (start|restart|\$)/);
  const [, enable] = /was-enabled todoward\.service'?; then([\s\S]*?)fi/.exec(postinst);
  assert.match(enable, /deb-systemd-helper enable/);
  assert.equal(postinst.match(/deb-systemd-helper enable/g).length, 1);
});

test("every variable of its settings is one of Todoward's, and the commented ones are no defaults", () => {
  const known = variables(read(".env.example"));
  const settings = file("etc/todoward/environment");
  for (const name of variables(settings).keys()) assert.ok(known.has(name), name);
  for (const line of settings.split("\n")) assert.doesNotMatch(line, /^BETTER_AUTH/);
});

test("the unit is valid, and allows more time for a stop than the server takes", async (t) => {
  const [, stop] = /^TimeoutStopSec=(\d+)$/m.exec(unit());
  const [, shutdown] = /^shutdown_timeout = (\d+)$/m.exec(read("config/default.toml"));
  assert.ok(Number(stop) > Number(shutdown));
  const checked = join(temporary(t), "todoward.service");
  // Its user and its files are not on this machine.
  writeFileSync(checked, unit().replace("/usr/bin/todoward", join(root, "usr/bin/todoward")).replace(/^(User|Group|Documentation)=.*$/gm, ""));
  const { code, stderr } = await run("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", checked]);
  assert.deepEqual([code, stderr], [0, ""]);
});

test("with the settings as they come it does not start, and with a secret it serves and stops", async (t) => {
  const [, ...command] = /^ExecStart=\/usr\/bin\/(todoward)( .*)$/m.exec(unit());
  const [program, args] = [join(root, "usr/bin", command[0]), command[1].trim().split(" ")];
  const data = temporary(t);
  // As systemd reads the file: what is commented out is not set.
  const lines = file("etc/todoward/environment").split("\n").filter((line) => /^[A-Z]/.test(line));
  const settings = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
  assert.equal(settings.DATABASE_URL, "sqlite:///var/lib/todoward/todoward.db");
  const env = { ...settings, DATABASE_URL: `sqlite://${data}/todoward.db`, PORT: "0", TODOWARD__METRICS__PORT: "0" };
  const refused = await run(program, args, { env, cwd: data });
  assert.equal(refused.code, 78);
  assert.match(unit(), /^RestartPreventExitStatus=2 78$/m);

  const child = spawn(program, args, { env: { ...env, BETTER_AUTH_SECRET: "s3cret, of the length that is needed" }, cwd: data });
  t.after(() => child.kill("SIGKILL"));
  let log = "";
  const url = await new Promise((done, failed) => {
    child.on("exit", () => failed(new Error(log)));
    child.stderr.on("data", (chunk) => {
      const address = /serving address=(\S+)/.exec((log += chunk));
      if (address) done(`http://${address[1]}/health/ready`);
    });
  });
  assert.equal((await fetch(url)).status, 200);
  const ended = new Promise((done) => child.on("close", (code) => done(code)));
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

test("the man page has every command", async () => {
  const help = await succeed(join(root, "usr/bin/todoward"), ["help"]);
  const [, listed] = /Commands:\n([\s\S]*?)\n\n/.exec(help);
  const commands = listed.split("\n").map((line) => line.trim().split(/\s+/)[0]).filter((name) => /^[a-z-]+$/.test(name) && name !== "help");
  const page = gunzipSync(readFileSync(join(root, "usr/share/man/man1/todoward.1.gz"))).toString();
  for (const command of commands) assert.match(page, new RegExp(`^\\.B ${command}$`, "m"), command);
  assert.ok(commands.length > 8);
});
