// What Lighthouse says of the build: Today with 60 tasks, and the page to sign in, on a desktop and on a phone.
// It needs a machine with nothing else to do. Lighthouse is not installed with the tests, which do not need it.

import { launch } from "./support/browser.mjs";
import { freePort } from "./support/app.mjs";
import { Ending, startStack } from "./support/stack.mjs";

const WANTED = 95;

const { default: lighthouse, desktopConfig } = await import("lighthouse").catch(() => {
  console.error("Lighthouse is missing: npm install --no-save lighthouse@13.5.0");
  process.exit(2);
});

const ending = new Ending();
let failed = false;
try {
  const stack = await startStack(ending);
  const cookie = await signUp(stack);
  for (const [name, path, extraHeaders] of [["Today", "/", { cookie }], ["sign-in", "/sign-in", {}]]) {
    for (const [form, config] of [["desktop", desktopConfig], ["mobile", undefined]]) {
      const port = await freePort();
      const browser = await launch([`--remote-debugging-port=${port}`]);
      const { lhr } = await lighthouse(stack.appUrl + path, { port, extraHeaders, logLevel: "error" }, config);
      await browser.close();
      const scores = Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]);
      failed ||= scores.some(([, score]) => score < WANTED);
      console.log(`${name}, ${form}: ${scores.map((one) => one.join(" ")).join(", ")}`);
    }
  }
} finally {
  await ending.end();
}
process.exit(failed ? 1 : 0);

/** Somebody with 60 tasks; gives the cookies. */
async function signUp({ appUrl, url }) {
  const body = JSON.stringify({ name: "Ada Lovelace", email: "ada@example.com", password: "correct horse battery" });
  const headers = { "content-type": "application/json", origin: appUrl };
  const signedUp = await fetch(`${appUrl}/api/auth/sign-up/email`, { method: "POST", headers, body });
  const cookie = [...signedUp.headers.getSetCookie().map((one) => one.split(";")[0]), "zone=UTC"].join("; ");
  const { token } = await (await fetch(`${appUrl}/api/auth/token`, { headers: { cookie } })).json();
  const due_date = new Date().toISOString().slice(0, 10);
  const operations = Array.from({ length: 60 }, (_, index) => ({
    method: "POST",
    path: "/tasks",
    body: { title: `Task ${index} of those that there are to do today`, due_date, priority: ["none", "low", "high"][index % 3], tags: index % 2 ? ["home"] : [] },
  }));
  const batch = { method: "POST", headers: { ...headers, authorization: `Bearer ${token}` }, body: JSON.stringify({ operations }) };
  const added = await fetch(`${url}/api/v1/batch`, batch);
  if (!added.ok) throw new Error(await added.text());
  return cookie;
}
