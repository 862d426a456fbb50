// Todoward and the app in front of it, set up for each other.

import { serveReady } from "../../better-auth/support/todoward.mjs";
import { freePort, startApp } from "./app.mjs";
import { temporary } from "./temporary.mjs";

/** What is to be done at the end, the last thing first, even if something fails. */
export class Ending {
  #todo = [];

  after(run) {
    this.#todo.push(run);
  }

  async end() {
    const failures = [];
    for (const run of this.#todo.splice(0).reverse()) {
      await Promise.resolve().then(run).catch((error) => failures.push(error));
    }
    if (failures.length) throw new AggregateError(failures, "not everything could be ended");
  }
}

/**
 * Starts both; they end with `t`. Options:
 * - `todoward`, `app`: further variables
 * - `direct`: the browser talks to Todoward itself, on another origin
 * - `rewrite`: the app is developed (`next dev`), and passes requests on by a rewrite
 * - `port`: the app's
 * - `to`: where the app is told that Todoward is, instead of where it is
 */
export async function startStack(t, { todoward = {}, app = {}, direct = false, rewrite = false, to, port: givenPort } = {}) {
  const directory = temporary(t, "browser");
  const appPort = givenPort ?? (await freePort());
  const port = await freePort();
  const appUrl = `http://127.0.0.1:${appPort}`;
  const url = `http://127.0.0.1:${port}`;
  const told = to ?? url;
  const where = direct ? { NEXT_PUBLIC_TODOWARD_URL: told } : { TODOWARD_URL: told };
  // Nobody listens at port 9, so whatever gets through went by the rewrite.
  const rewritten = { TODOWARD_REWRITE: url, TODOWARD_URL: "http://127.0.0.1:9" };
  const variablesOfApp = { ...(rewrite ? rewritten : where), ...app };
  let appRunning = new Ending();
  t.after(() => appRunning.end());
  const startTheApp = async () => {
    appRunning = new Ending();
    // The directory outlives a process, because the next one continues with it.
    await startApp(appRunning, appPort, { AUTH_DATA_DIR: `${directory}/auth`, ...variablesOfApp }, { command: rewrite ? "dev" : "start" });
  };
  await startTheApp();
  const variables = {
    PORT: String(port),
    DATABASE_URL: `sqlite://${directory}/todoward.db`,
    TODOWARD__METRICS__PORT: "0",
    BETTER_AUTH_URL: appUrl,
    ...(direct ? { TODOWARD__CORS__ALLOWED_ORIGINS: appUrl } : {}),
    ...todoward,
  };
  let running = new Ending();
  t.after(() => running.end());
  const stack = {
    appUrl,
    url,
    /** The hosts that a page may load from. */
    hosts: [appUrl, ...(direct ? [told] : [])].map((one) => new URL(one).host),
    async startTodoward() {
      running = new Ending();
      await serveReady(running, variables);
    },
    stopTodoward: () => running.end(),
    startApp: startTheApp,
    stopApp: () => appRunning.end(),
  };
  await stack.startTodoward();
  return stack;
}
