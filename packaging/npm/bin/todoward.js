#!/usr/bin/env node
// Becomes the binary of this platform. That is in a package of its own, of which npm installs
// only the one whose "os", "cpu" and "libc" fit.
"use strict";

const { spawn } = require("node:child_process");
const { accessSync, constants } = require("node:fs");
const { dirname, join } = require("node:path");
const manifest = require("../package.json");

/** The version of the C library, or none where it is not glibc. */
function glibc() {
  // Without this, Node.js looks up the name of every peer.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime;
}

function older(version, needed) {
  const [major, minor] = version.split(".").map(Number);
  const [neededMajor, neededMinor] = needed.split(".").map(Number);
  return major < neededMajor || (major === neededMajor && minor < neededMinor);
}

/** The file to run, or a sentence that says why there is none. */
function find() {
  const linux = process.platform === "linux";
  const libc = linux ? glibc() : undefined;
  const platform = `${process.platform}-${process.arch}${linux && !libc ? "-musl" : ""}`;
  const name = `@todoward/${platform}`;

  const packages = Object.keys(manifest.optionalDependencies ?? {});
  if (!packages.includes(name)) {
    const others = packages.map((other) => other.replace("@todoward/", "")).join(", ");
    return {
      error: `this release has no binary for ${platform}, only for ${others}. Build it from source, or use the container image.`,
    };
  }

  let file;
  try {
    file = require.resolve(`${name}/package.json`);
  } catch {
    return {
      error:
        `the package ${name} is not installed. Either optional dependencies were left out (--omit=optional, --no-optional), ` +
        "or node_modules was installed on another platform: remove it, and install here, without that option.",
    };
  }

  const binary = require(file).todoward;
  if (binary.glibc && libc && older(libc, binary.glibc)) {
    return { error: `the binary needs glibc ${binary.glibc}, and this system has ${libc}. Build it from source, or use the container image.` };
  }
  const path = join(dirname(file), binary.file);
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    return { error: `cannot run ${path}: ${error.code}. Install ${name} again.` };
  }
  return { path };
}

function fail(message) {
  console.error(`todoward: ${message}`);
  process.exitCode = 1;
}

/** Beside the binary, where this process cannot become it: Windows, and Node.js before 22.15. */
function wait(path, args) {
  const child = spawn(path, args, { stdio: "inherit" });
  const handlers = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    const handler = () => {
      // Ctrl+C has reached both, and a second signal would stop the server at once.
      const reachedBoth = process.platform === "win32" || (signal === "SIGINT" && process.stdin.isTTY);
      if (!reachedBoth) child.kill(signal);
    };
    handlers.set(signal, handler);
    process.on(signal, handler);
  }
  child.on("error", (error) => fail(`cannot run ${path}: ${error.code}`));
  child.on("exit", (code, signal) => {
    for (const entry of handlers) process.off(...entry);
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code;
  });
}

const { path, error } = find();
const args = process.argv.slice(2);
if (error) fail(error);
else if (process.execve && process.platform !== "win32") process.execve(path, [path, ...args]);
else wait(path, args);
