import { useEffect } from "react";
import { idle } from "@/lib/idle";
import { useServices } from "@/lib/services";

const NEW_VERSION = "A new version of Todoward is ready.";

/** `loaded`: the page has all its parts. Storing them takes as long as drawing the page, on threads that it needs. */
export function useServiceWorker(loaded: boolean) {
  const { toasts } = useServices();
  useEffect(() => {
    if (!loaded) return;
    const offer = (run: () => void) => toasts.show(NEW_VERSION, { action: { label: "Reload", run }, lasts: undefined });
    let end: (() => void) | "ended" | undefined;
    void idle(3000).then(() => import("@/lib/service-worker")).then(({ startServiceWorker }) => {
      if (end !== "ended") end = startServiceWorker(offer);
    }, () => undefined);
    return () => {
      if (typeof end === "function") end();
      end = "ended";
    };
  }, [loaded, toasts]);
}
