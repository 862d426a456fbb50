import { cookies, headers } from "next/headers";
import { notFound, redirect } from "next/navigation";
import { App } from "@/components/app";
import { EarlyKeys } from "@/components/early-keys";
import { todayIn } from "@/lib/dates";
import { firstRows } from "@/lib/first-rows";
import { parseAddress, writeAddress } from "@/lib/places";
import { browserBaseUrl, timeLimit } from "@/lib/server-config";
import { currentUser } from "@/lib/session";
import { readTheme, THEME_COOKIE } from "@/lib/theme";

interface Props {
  params: Promise<{ place?: string[] }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function Page({ params, searchParams }: Props) {
  const { place = [] } = await params;
  const given = Object.entries(await searchParams).map(([name, value]): [string, string] => [name, String([value].flat()[0] ?? "")]);
  const address = parseAddress(`/${place.join("/")}`, String(new URLSearchParams(given)));
  if (!address) notFound();
  const user = await currentUser();
  const path = writeAddress(address);
  if (!user) redirect(path === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(path)}`);
  const kept = await cookies();
  const theme = readTheme(kept.get(THEME_COOKIE)?.value);
  const { id, name, email } = user;
  const guest = user.isAnonymous === true;
  const zone = known(kept.get("zone")?.value);
  const first = {
    user: { id, name, email, guest },
    // A little longer than app/backend waits, whose answer says more.
    server: { baseUrl: browserBaseUrl(), timeLimit: timeLimit() + 1000 },
    theme,
    address,
    today: todayIn(zone),
    zone,
    // The service worker keeps this page for a time without a network; the tasks are in the browser's own copy.
    rows: (await headers()).has("x-todoward-shell") ? null : await firstRows(id, kept.has("zone")),
  };
  return (
    <>
      <EarlyKeys />
      <App key={id} first={first} />
    </>
  );
}

/** As the browser has said at an earlier visit. */
function known(said: string | undefined): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: said && decodeURIComponent(said) }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
