import type { Address } from "@/lib/places";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";

/** Where the user is. */
export function useAddress(): Address {
  return useStore(useServices().navigation);
}
