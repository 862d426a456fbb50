"use client";

import { useEffect, useState } from "react";
import { idle } from "@/lib/idle";
import { type First, makeServices, ServicesContext } from "@/lib/services";
import { Shell } from "./shell";

const NEW_VERSION = "A new version of Todoward is ready.";

export function App({ first }: { first: First }) {
  const [services] = useState(() => makeServices(first));
  useEffect(() => services.start(), [services]);
  useEffect(() => {
    const offer = (run: () => void) => services.toasts.show(NEW_VERSION, { action: { label: "Reload", run }, lasts: undefined });
    let end: (() => void) | "ended" | undefined;
    // The page does not wait for it.
    void idle(3000).then(() => import("@/lib/service-worker")).then(({ startServiceWorker }) => {
      if (end !== "ended") end = startServiceWorker(offer);
    }, () => undefined);
    return () => {
      if (typeof end === "function") end();
      end = "ended";
    };
  }, [services]);
  return (
    <ServicesContext value={services}>
      <Shell />
    </ServicesContext>
  );
}
