import { parseAddress, writeAddress } from "./places.ts";

/** Where a sign-in leads: a place of this app and nowhere else, whatever the query says. */
export function returnPath(to: string | string[] | undefined): string {
  const [given] = [to].flat();
  if (!given?.startsWith("/")) return "/";
  const [pathname = "", search = ""] = given.split("?", 2);
  const address = parseAddress(pathname, search);
  return address ? writeAddress(address) : "/";
}
