// The page's side of the service worker (service-worker/worker.js). It is there in production builds only.

type Message = { type: "keep" } | { type: "forget" } | { type: "take-over" } | { type: "page"; scripts: string[] };

/** Sends a message; resolves with the answer, or undefined if none comes. */
function ask<Answer>(worker: ServiceWorker, message: Message): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const timer = setTimeout(() => resolve(undefined), 5000);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data as Answer);
    };
    worker.postMessage(message, [port2]);
  });
}

/** Keeps the page of who is signed in for a time without a network. `onNew`: a newer app waits for a reload. */
export function startServiceWorker(onNew: (reload: () => void) => void): () => void {
  if (!("serviceWorker" in navigator)) return () => undefined;
  const ended = new AbortController();
  if (process.env.NODE_ENV !== "production") {
    // One of a production build on the same origin would answer with that build.
    void navigator.serviceWorker.getRegistrations().then((all) => all.forEach((one) => void one.unregister()));
    return () => undefined;
  }
  let offered: ServiceWorker | undefined;

  const look = async (registration: ServiceWorkerRegistration) => {
    const { waiting } = registration;
    if (!waiting || waiting === offered || !navigator.serviceWorker.controller) return;
    offered = waiting;
    const scripts = [...document.scripts].map(({ src }) => src && new URL(src).pathname).filter((path) => path.startsWith("/_next/static/"));
    const answer = await ask<{ same: boolean }>(waiting, { type: "page", scripts });
    // This page is of the new build already: nothing is to be said.
    if (answer?.same || ended.signal.aborted) return;
    onNew(() => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      void ask(waiting, { type: "take-over" });
    });
  };

  const register = async () => {
    const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    registration.addEventListener("updatefound", () => {
      const { installing } = registration;
      installing?.addEventListener("statechange", () => void look(registration));
    });
    void look(registration);
    const { active } = await navigator.serviceWorker.ready;
    if (active) await ask(active, { type: "keep" });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && void registration.update().catch(() => undefined),
      { signal: ended.signal },
    );
  };
  // Without it the app works as long as there is a network.
  void register().catch((error: unknown) => console.warn("no service worker:", error));
  return () => ended.abort();
}

/** At sign-out: the next user of this device sees nothing of this one, with or without a network. */
export async function forgetShell() {
  if (!("caches" in window)) return;
  const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  if (registration?.active) await ask(registration.active, { type: "forget" });
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("shell-")).map((name) => caches.delete(name)));
}
