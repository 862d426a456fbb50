import { lazy, Suspense } from "react";

// Seldom seen, so not in the first script.
const AllSettings = lazy(() => import("./settings/all").then((module) => ({ default: module.AllSettings })));

export function SettingsPlace() {
  return (
    <Suspense>
      <AllSettings />
    </Suspense>
  );
}
