/** How days and times are written where this browser's user lives. */
export function customs(locale?: string): { clock: "12" | "24"; dateOrder: "dmy" | "mdy" } {
  const hours = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
  const parts = new Intl.DateTimeFormat(locale, { day: "numeric", month: "numeric" }).formatToParts(0).map(({ type }) => type);
  return { clock: hours.hour12 ? "12" : "24", dateOrder: parts.indexOf("month") < parts.indexOf("day") ? "mdy" : "dmy" };
}
