// The app opens without a network: its build and a page without tasks are kept here; the tasks are in IndexedDB.
// What belongs to a user and is not on this page (API, sign-in) is never answered from here.

const BUILD = "__BUILD__";
/** All that this build loads. */
const ASSETS = new Set(["__ASSETS__"]);

const STATIC = `static-${BUILD}`;
/** The page of who is signed in: names nobody else, and has no tasks. */
const SHELL = `shell-${BUILD}`;
const PAGE = "/";
/** Milliseconds after which a network that does not answer counts as none. */
const PATIENCE = 4000;

/** Grows with each sign-out, so that a page that is still on its way is not kept. */
let signOuts = 0;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.waitUntil(receive(event)));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || /^\/(api|backend)\//.test(pathname)) return;
  if (request.mode === "navigate") event.respondWith(navigate(event, pathname));
  else if (pathname.startsWith("/_next/static/") || ASSETS.has(pathname)) event.respondWith(fromCache(request));
});

/** All or nothing: a build is only used when the whole of it is here. */
async function install() {
  const cache = await caches.open(STATIC);
  await Promise.all([...ASSETS].map((url) => keepAsset(cache, url)));
  // Who was signed in with the build before goes on with this one.
  if ((await named("shell-")).length) await keepShell();
}

async function keepAsset(cache, url) {
  if (await cache.match(url)) return;
  // The name of a file in /_next/static says its content.
  const known = url.startsWith("/_next/static/") ? await caches.match(url) : undefined;
  const response = known ?? (await fetch(url, { cache: "no-cache" }));
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  await cache.put(url, response);
}

async function activate() {
  // Pages of the build before may still be open, and load parts of it.
  const older = (await named("static-")).filter((name) => name !== STATIC);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
  await Promise.all((await named("shell-")).filter((name) => name !== SHELL).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function receive({ data, ports: [port] }) {
  if (data.type === "keep") await keepShell().catch(() => undefined);
  else if (data.type === "forget") await forget();
  else if (data.type === "page") {
    // Whether the page that asks is of this build; then nobody needs the one before.
    const same = data.scripts.every((url) => ASSETS.has(url));
    const pages = await self.clients.matchAll({ includeUncontrolled: true, type: "window" });
    if (same && pages.length < 2) await self.skipWaiting();
    port?.postMessage({ same });
    return;
  } else if (data.type === "take-over") await self.skipWaiting();
  port?.postMessage({});
}

/** Keeps the page of who is signed in, if it is of this build. */
async function keepShell() {
  const before = signOuts;
  const init = { headers: { "X-Todoward-Shell": "1" }, credentials: "same-origin", cache: "no-store", redirect: "manual" };
  const response = await fetch(PAGE, init);
  if (response.type === "opaqueredirect") return forget();
  if (!response.ok) throw new Error(`${PAGE}: ${response.status}`);
  const page = await response.clone().text();
  const parts = page.match(/\/_next\/static\/[\w./~%-]+\.(?:js|css)/g) ?? [];
  // A newer build: its own service worker is on the way.
  if (!parts.length || !parts.every((url) => ASSETS.has(url))) return;
  const cache = await caches.open(SHELL);
  if (before === signOuts) await cache.put(PAGE, response);
}

async function forget() {
  signOuts += 1;
  await Promise.all((await named("shell-")).map((name) => caches.delete(name)));
}

async function navigate(event, pathname) {
  const isAuth = /^\/sign-(in|up)\/?$/.test(pathname);
  const shell = await findShell();
  let response;
  try {
    response = await patient(fetch(event.request), shell ? PATIENCE : undefined);
    // The server shows it to nobody who is signed in.
    if (isAuth && response.ok) event.waitUntil(forget());
    // A proxy whose server is away is as no network.
    if (![502, 503, 504].includes(response.status)) return response;
  } catch {
    // No network.
  }
  if (shell) return isAuth ? Response.redirect("/") : shell;
  return response ?? offline();
}

function patient(promise, milliseconds) {
  if (milliseconds === undefined) return promise;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function findShell() {
  const cache = await caches.open(SHELL);
  return cache.match(PAGE);
}

async function fromCache(request) {
  // An icon has its version in the query.
  return (await caches.match(request, { ignoreVary: true, ignoreSearch: true })) ?? fetch(request);
}

async function named(start) {
  return (await caches.keys()).filter((name) => name.startsWith(start));
}

function offline() {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>You’re offline · Todoward</title>
<style>body{display:grid;place-content:center;min-height:100dvh;margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;text-align:center}h1{font-size:22px}</style>
<main>
<h1>You’re offline</h1>
<p>Nobody is signed in on this device. Connect to the internet to sign in.</p>
</main>
</html>`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
  return new Response(page, { status: 503, headers });
}
