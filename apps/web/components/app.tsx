"use client";

import { useEffect, useState } from "react";
import { startServiceWorker } from "@/lib/service-worker";
import { type First, makeServices, ServicesContext } from "@/lib/services";
import { Shell } from "./shell";

const NEW_VERSION = "A new version of Todoward is ready.";

export function App({ first }: { first: First }) {
  const [services] = useState(() => makeServices(first));
  useEffect(() => services.start(), [services]);
  useEffect(() => startServiceWorker((run) => services.toasts.show(NEW_VERSION, { action: { label: "Reload", run }, lasts: undefined })), [services]);
  return (
    <ServicesContext value={services}>
      <Shell />
    </ServicesContext>
  );
}
