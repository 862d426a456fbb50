import { writeAddress } from "@/lib/places";
import { useAddress } from "./use-address";

/** The address of where the user is. */
export function useNavigationPath(): string {
  return writeAddress(useAddress());
}
