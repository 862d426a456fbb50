// Every place of the app has an address. This module reads and writes them, and knows nothing else.

export const PLACES = {
  "/": "today",
  "/today": "today",
  "/inbox": "inbox",
  "/upcoming": "upcoming",
  "/all": "all",
  "/done": "done",
  "/trash": "trash",
  "/settings": "settings",
} as const;

export type Place = { kind: (typeof PLACES)[keyof typeof PLACES] } | { kind: "list"; id: string };
export type PlaceKind = Place["kind"];

export const DUES = { any: "Any date", overdue: "Overdue", today: "Today", week: "Next 7 days", none: "No date" } as const;
export const PRIORITIES = { high: "High", medium: "Medium", low: "Low", none: "None" } as const;
export const SORTS = {
  manual: "My order",
  due_date: "Due date",
  "-priority": "Priority",
  "-created_at": "Newest first",
  created_at: "Oldest first",
  title: "Title",
} as const;

export type Priority = keyof typeof PRIORITIES;
export type Sort = keyof typeof SORTS;

export interface Filters {
  /** Words to look for in every task. */
  q: string;
  tag: string;
  priority: Priority | "any";
  due: keyof typeof DUES;
  /** Undefined: the order of the place. */
  sort: Sort | undefined;
}

export const NO_FILTERS: Filters = { q: "", tag: "", priority: "any", due: "any", sort: undefined };

export interface Address {
  place: Place;
  /** The task whose details are open. */
  task: string | null;
  /** Of Upcoming. */
  view: "week" | "month";
  /** The first day that Upcoming shows; null: today. */
  from: string | null;
  filters: Filters;
}

export const TODAY: Address = { place: { kind: "today" }, task: null, view: "week", from: null, filters: NO_FILTERS };

/** What an address asks for; null if there is no such place. What is not understood in the query is left out. */
export function parseAddress(pathname: string, search: string): Address | null {
  const place = parsePlace(pathname);
  if (!place) return null;
  const query = new URLSearchParams(search);
  const one = <T extends string>(name: string, allowed: object): T | undefined => {
    const value = query.get(name);
    return value !== null && Object.hasOwn(allowed, value) ? (value as T) : undefined;
  };
  const from = query.get("from");
  return {
    place,
    task: parseId(query.get("task")),
    view: query.get("view") === "month" ? "month" : "week",
    from: from !== null && isDay(from) ? from : null,
    filters: {
      q: (query.get("q") ?? "").slice(0, 100),
      tag: query.get("tag") ?? "",
      priority: one<Priority>("priority", PRIORITIES) ?? "any",
      due: one<Filters["due"]>("due", DUES) ?? "any",
      sort: one<Sort>("sort", SORTS),
    },
  };
}

function parsePlace(pathname: string): Place | null {
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, "") || "/" : pathname;
  if (Object.hasOwn(PLACES, path)) return { kind: PLACES[path as keyof typeof PLACES] };
  const id = parseId(/^\/lists\/([^/]+)$/.exec(path)?.[1] ?? null);
  return id === null ? null : { kind: "list", id };
}

/** As the server writes ids. */
function parseId(text: string | null): string | null {
  return text !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : null;
}

/** A day of a week and a month that can be shown whole. */
function isDay(text: string): boolean {
  return text > "1970" && text < "9999" && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}

function pathOf(place: Place): string {
  if (place.kind === "list") return `/lists/${place.id}`;
  return place.kind === "today" ? "/" : `/${place.kind}`;
}

export function writeAddress({ place, task, view, from, filters }: Address): string {
  const query = new URLSearchParams();
  if (place.kind === "upcoming" && view === "month") query.set("view", view);
  if (place.kind === "upcoming" && from) query.set("from", from);
  for (const [name, value] of Object.entries(filters) as [keyof Filters, string | undefined][]) {
    if (value !== undefined && value !== NO_FILTERS[name]) query.set(name, value);
  }
  if (task) query.set("task", task);
  return pathOf(place) + (query.size ? `?${query}` : "");
}

/** The address of a place as one comes to it: nothing open, nothing filtered. */
export function at(place: Place): Address {
  return { ...TODAY, place };
}

export function samePlace(one: Place, other: Place): boolean {
  return pathOf(one) === pathOf(other);
}

/** Whether a filter can hide tasks. */
export function isNarrowed({ q, tag, priority, due }: Filters): boolean {
  return q.trim() !== "" || tag !== "" || priority !== "any" || due !== "any";
}
