import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";

/** The current day; follows midnight, also past a sleep of the computer. */
export function useToday(): string {
  return useStore(useServices().day);
}
