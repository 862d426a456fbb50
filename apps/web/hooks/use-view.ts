import { useMemo } from "react";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { type Circumstances, type Counts, countsOf, type View, viewOf } from "@/lib/views";
import { useAddress } from "./use-address";
import { useRows } from "./use-rows";
import { useToday } from "./use-today";

/** The zone in which days and times are shown. */
export function useZone(): string {
  return useStore(useServices().zone);
}

/** What the place shows in which the user is. */
export function useView(): View {
  const { settings, collapsed, lingering } = useServices();
  const rows = useRows();
  const address = useAddress();
  const today = useToday();
  const zone = useZone();
  const { weekStart } = useStore(settings);
  const hidden = useStore(collapsed);
  const leaving = useStore(lingering);
  return useMemo(() => {
    const now: Circumstances = { today, zone, weekStart, collapsed: hidden, lingering: leaving };
    return viewOf(rows, address, now);
  }, [rows, address, today, zone, weekStart, hidden, leaving]);
}

export function useCounts(): Counts {
  const rows = useRows();
  const today = useToday();
  const zone = useZone();
  return useMemo(() => countsOf(rows, { today, zone }), [rows, today, zone]);
}
