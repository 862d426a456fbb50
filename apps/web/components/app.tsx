"use client";

import { useEffect, useState } from "react";
import { type First, makeServices, ServicesContext } from "@/lib/services";
import { Shell } from "./shell";

export function App({ first }: { first: First }) {
  const [services] = useState(() => makeServices(first));
  useEffect(() => services.start(), [services]);
  return (
    <ServicesContext value={services}>
      <Shell />
    </ServicesContext>
  );
}
