import { useCallback, useState } from "react";
import { type Filters, readFilters, writeFilters } from "@/lib/filters";

/** The filters, which stand in the page's address so that a reload or a link keeps them. */
export function useFilters() {
  const [filters, setFilters] = useState(() => readFilters(location.search));
  const change = useCallback((some: Partial<Filters>) => {
    setFilters((before) => {
      const next = { ...before, ...some };
      queueMicrotask(() => history.replaceState(history.state, "", location.pathname + writeFilters(next)));
      return next;
    });
  }, []);
  return [filters, change] as const;
}
