// What stands in the files of deploy/, as a container would get it.

import { readFileSync } from "node:fs";
import { parse } from "yaml";

export const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const yaml = (path) => parse(read(path), { merge: true });

/** The lines of a file of variables. */
export function variables(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

/** The variables that the image sets. */
export function imageVariables() {
  const [, block] = /^ENV (PATH=[\s\S]*?[^\\])\n(?! )/m.exec(read("Dockerfile"));
  return Object.fromEntries(block.split(/\s+\\\n\s*/).map((line) => line.split(/=(.*)/s, 2)));
}

/** deploy/compose.yaml with the variables of an .env file filled in. */
export function compose(env) {
  const filled = read("deploy/compose.yaml").replace(
    /\$\{(\w+)(?::([?-])([^}]*))?\}/g,
    (_all, name, kind, rest) => {
      if (env[name]) return env[name];
      if (kind === "-") return rest;
      throw new Error(`${name} is not set: ${rest}`);
    },
  );
  return parse(filled, { merge: true });
}

/** The variables of a pod: its ConfigMap and its Secret. */
export function podVariables() {
  const secret = yaml("deploy/kubernetes/secret.example.yaml").stringData;
  return { ...variables(read("deploy/kubernetes/settings.env")), ...secret };
}

export const manifest = (name) => yaml(`deploy/kubernetes/${name}`);
/** A setting of config/default.toml that is a number. */
export function defaultSetting(key) {
  return Number(new RegExp(`^${key} = (\\d+)$`, "m").exec(read("config/default.toml"))[1]);
}
