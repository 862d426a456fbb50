// The collection, the environment, and running one with the other.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import newman from "newman";

const file = (name) => fileURLToPath(new URL(`../../../postman/${name}`, import.meta.url));
export const COLLECTION_FILE = file("todoward.postman_collection.json");
export const ENVIRONMENT_FILE = file("todoward.postman_environment.json");
export const collection = JSON.parse(readFileSync(COLLECTION_FILE, "utf8"));
export const environment = JSON.parse(readFileSync(ENVIRONMENT_FILE, "utf8"));

/** Folders and requests, in order, each with its path of names. */
export function* walk(items = collection.item, above = []) {
  for (const item of items) {
    const path = [...above, item.name];
    yield { path: path.join(" / "), item };
    if (item.item) yield* walk(item.item, path);
  }
}

/** Only the requests. */
export const requests = () => [...walk()].filter(({ item }) => item.request);

/** What the collection asserts of every answer; a request must assert more. */
export const GENERAL = "every answer: ";

/**
 * Runs the collection with these values in the environment. Gives the failures
 * as text, and by the id of each request how often it was sent and what was
 * asserted of it.
 */
export async function run(values, options = {}) {
  for (const name of Object.keys(values)) {
    if (!environment.values.some(({ key }) => key === name)) throw new Error(`no variable ${name}`);
  }
  const seen = new Map(requests().map(({ item }) => [item.id, { sent: 0, assertions: [] }]));
  const answers = new Map();
  const summary = await new Promise((done, failed) => {
    newman
      .run(
        {
          collection,
          environment,
          envVar: Object.entries(values).map(([key, value]) => ({ key, value })),
          reporters: [],
          ...options,
        },
        (error, made) => (error ? failed(error) : done(made)),
      )
      .on("request", (_error, { item, response }) => {
        // Requests that scripts send belong to no item.
        if (!seen.has(item.id)) return;
        seen.get(item.id).sent += 1;
        answers.set(item.id, response);
      })
      .on("assertion", (_error, { item, assertion }) => {
        seen.get(item.id).assertions.push(assertion);
      });
  });
  const failures = summary.run.failures.map(({ source, error }) => {
    const at = requests().find(({ item }) => item.id === source?.id);
    return `${at?.path}: ${error.test ?? error.name}: ${error.message}`;
  });
  return { failures, seen, answers, figures: summary.run.stats };
}
