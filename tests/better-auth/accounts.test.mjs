// The recipes for a page, through every change of account that Better Auth has. A task belongs to whoever
// is signed in at the moment of the call.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { since } from "./support/line.mjs";
import { RECIPES, write } from "./support/recipes.mjs";
import { browserFetch, local, run } from "./support/running.mjs";
import { eventually } from "./support/wait.mjs";

const PASSWORD = "correct horse battery";
const json = { "Content-Type": "application/json" };
const viaApi = ({ api }, path = "/tasks") => async (title) => {
  const response = await api(path, { method: "POST", headers: json, body: JSON.stringify({ title }) });
  assert.equal(response.status, 201);
  return response.json();
};

/** Each way to write a task that the documentation shows a page, and how it names the user. */
const WAYS = {
  "the recipe of the README": {
    recipe: "readme",
    server: RECIPES.readme["auth.js"],
    add: viaApi,
    addAs: (client, user) => viaApi(client, `/users/${user.id}/tasks`),
  },
  "the recipe of BETTER_AUTH.md": {
    recipe: "client",
    server: RECIPES["key-pair"]["auth.js"],
    add: viaApi,
    async addAs(_client, user, load) {
      const { addTask } = await load("page.js");
      return async (title) => {
        const response = await addTask(user, title);
        assert.equal(response.status, 201);
        return response.json();
      };
    },
  },
  "the recipe of the TypeScript client": {
    recipe: "typescript",
    server: RECIPES["key-pair"]["auth.js"],
    add: ({ todoward }) => (title) => todoward.createTask({ title }),
    async addAs({ authClient }, user, load) {
      const { betterAuthToken, Todoward } = await load("node_modules/todoward-client/dist/index.js");
      const options = { baseUrl: "http://localhost:8080", token: betterAuthToken(authClient) };
      const todoward = new Todoward({ ...options, user: user.id });
      return (title) => todoward.createTask({ title });
    },
  },
};

/** Adds the plugins that change accounts, where an app would add them. */
const withServerPlugins = (text) => `import { admin, anonymous, multiSession } from "better-auth/plugins";
${text.replace("plugins: [jwt()]", "plugins: [jwt(), anonymous(), multiSession(), admin()]")}`;
const withClientPlugins = (text) => `import { adminClient, anonymousClient, multiSessionClient } from "better-auth/client/plugins";
${text.replace("plugins: [jwtClient()]", "plugins: [jwtClient(), anonymousClient(), multiSessionClient(), adminClient()]")}`;

for (const [name, { recipe, server, add, addAs }] of Object.entries(WAYS)) {
  /** Opens the page of a recipe, and another tab of its browser. */
  async function open(t) {
    const base = RECIPES["key-pair"];
    const frontend = { ...base, "auth.js": withServerPlugins(server) };
    const running = await run(t, frontend, local);
    const { auth, browser, directory, load, url } = running;
    const page = browserFetch(t, running);
    // In a browser Better Auth's client would call the page's own origin.
    process.env.BETTER_AUTH_URL = url;
    t.after(() => delete process.env.BETTER_AUTH_URL);
    for (const [file, text] of Object.entries(RECIPES[recipe])) {
      if (file !== "auth.js") writeFileSync(join(directory, file), withClientPlugins(local(text, url)));
    }
    const client = await load("client.js");
    const users = {};
    for (const one of ["alice", "bob", "root"]) {
      browser.cookies.clear();
      users[one] = (await browser.signUp(one)).user;
    }
    browser.cookies.clear();
    const { internalAdapter } = await auth.$context;
    await internalAdapter.updateUser(users.root.id, { role: "admin" });
    const signIn = (one) => ({ email: users[one].email, password: PASSWORD });
    const lands = async (task) => {
      const { data } = await browser.call("GET", "/get-session");
      assert.equal((await task).owner_id, data.user.id);
      return data.user;
    };
    const ok = async (call) => assert.equal((await call).error, null);
    return { ...running, add: add(client), addAs: (user) => addAs(client, user, load), client, lands, ok, page, signIn, users };
  }

  test(`over every change of account in a page, ${name} writes for who is signed in`, async (t) => {
    const { add, client, lands, ok, signIn, users } = await open(t);
    const { authClient } = client;
    const becomes = async (id, change) => {
      await ok(change);
      // At once, and again when the page knows of the change.
      assert.equal((await lands(add("at once"))).id, id);
      await Promise.all([add("two"), add("together")].map(lands));
    };
    await ok(authClient.signIn.anonymous());
    const guest = await lands(add("as a guest"));
    assert.ok(guest.isAnonymous);
    await ok(authClient.signUp.email({ email: `new-${guest.id}@example.com`, name: "new", password: PASSWORD }));
    assert.notEqual((await lands(add("signed up"))).id, guest.id);
    await ok(authClient.signOut());
    await assert.rejects(add("signed out"), /signed (in|out)/);
    await ok(authClient.signIn.anonymous());
    await lands(add("as another guest"));
    await becomes(users.alice.id, authClient.signIn.email(signIn("alice")));
    await becomes(users.bob.id, authClient.signIn.email(signIn("bob")));
    const { data: sessions } = await authClient.multiSession.listDeviceSessions();
    const { session } = sessions.find(({ user }) => user.id === users.alice.id);
    await becomes(users.alice.id, authClient.multiSession.setActive({ sessionToken: session.token }));
    await becomes(users.root.id, authClient.signIn.email(signIn("root")));
    await becomes(users.bob.id, authClient.admin.impersonateUser({ userId: users.bob.id }));
    await becomes(users.root.id, authClient.admin.stopImpersonating());
  });

  test(`over every change of account in another tab, ${name} writes for who is signed in`, async (t) => {
    const { add, browser, client, lands, ok, signIn, users } = await open(t);
    const tab = (path, body) => browser.call("POST", path, body);
    await ok(client.authClient.signIn.anonymous());
    await lands(add("as a guest"));
    for (const one of ["alice", "bob"]) {
      await tab("/sign-in/email", signIn(one));
      assert.equal((await lands(add("signed in"))).id, users[one].id);
    }
    const { data: sessions } = await browser.call("GET", "/multi-session/list-device-sessions");
    const { session } = sessions.find(({ user }) => user.id === users.alice.id);
    await tab("/multi-session/set-active", { sessionToken: session.token });
    assert.equal((await lands(add("active"))).id, users.alice.id);
    await tab("/sign-in/email", signIn("root"));
    await tab("/admin/impersonate-user", { userId: users.bob.id });
    assert.equal((await lands(add("impersonated"))).id, users.bob.id);
    await tab("/admin/stop-impersonating", {});
    assert.equal((await lands(add("no more"))).id, users.root.id);
    await tab("/sign-out", {});
    await assert.rejects(add("signed out"), /signed (in|out)/);
  });

  test(`while a token is under way, ${name} gives it to no call of the next user`, async (t) => {
    const { add, client, lands, ok, page, signIn, users } = await open(t);
    await ok(client.authClient.signIn.email(signIn("alice")));
    let release;
    const held = new Promise((done) => (release = done));
    let underWay = 0;
    page.answer = async (send, path) => {
      const response = await send();
      if (path.endsWith("/token") && (underWay += 1) === 1) await held;
      return response;
    };
    const late = add("of alice");
    await eventually("her token is under way", () => underWay === 1);
    await ok(client.authClient.signIn.email(signIn("bob")));
    const his = add("of bob");
    await eventually("he does not wait for hers", () => underWay === 2).finally(release);
    assert.equal((await lands(his)).id, users.bob.id);
    assert.equal((await late).owner_id, users.alice.id);
    assert.equal((await lands(add("of bob, too"))).id, users.bob.id);
  });

  test(`the page of one user, by ${name}, writes for nobody else`, async (t) => {
    const { addAs, app, browser, client, ok, signIn, users } = await open(t);
    const { authClient } = client;
    await ok(authClient.signIn.email(signIn("alice")));
    const add = await addAs(users.alice);
    assert.equal((await add("hers")).owner_id, users.alice.id);
    // In older releases useSession() sends no request outside of a browser.
    const isShown = recipe !== "readme" && since("1.7");
    let shown;
    if (isShown) {
      t.after(authClient.useSession.subscribe(({ data }) => (shown = data?.user.id)));
      authClient.$store.notify("$sessionSignal");
      await eventually("the page shows her", () => shown === users.alice.id);
    }
    await browser.call("POST", "/sign-in/email", signIn("bob"));
    await assert.rejects(add("hers, too"), /another user|403/);
    const { data } = await app.tasks(await browser.token());
    assert.deepEqual(data.items, []);
    if (isShown) await eventually("the page shows him", () => shown === users.bob.id);
  });
}

test("the page of the README creates a task of its user", async (t) => {
  // Its code for the browser, run from top to bottom as it stands there.
  const running = await run(t, { ...RECIPES["key-pair"], "auth.js": RECIPES.readme["auth.js"] }, local);
  const { app, browser, directory, load, url } = running;
  browserFetch(t, running);
  process.env.BETTER_AUTH_URL = url;
  t.after(() => delete process.env.BETTER_AUTH_URL);
  for (const file of ["client.js", "page.js"]) writeFileSync(join(directory, file), RECIPES.readme[file]);
  await load("page.js");
  const { data } = await app.tasks(await browser.token());
  assert.deepEqual(data.items.map(({ title, owner_id }) => [title, owner_id]), [["Buy milk", browser.user.id]]);
});

test("the recipe of the TypeScript client is right for the compiler", (t) => {
  const directory = write(t, { "client.ts": RECIPES.typescript["client.js"], "package.json": '{"type":"module"}' });
  const compiler = fileURLToPath(new URL("../../clients/typescript/node_modules/typescript/bin/tsc", import.meta.url));
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "client.ts"];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...options], { cwd: directory, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
