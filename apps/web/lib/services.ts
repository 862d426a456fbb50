import { createContext, useContext } from "react";
import { makeActions } from "./actions";
import { todayHere, todayIn } from "./dates";
import { idle } from "./idle";
import { Navigation } from "./navigation";
import type { Address } from "./places";
import { type FirstRows, LocalRows } from "./rows";
import { SettingsStore, zoneOf } from "./settings";
import { SharedList } from "./shared-list";
import { UserStorage } from "./storage";
import { Store } from "./store";
import type { Theme } from "./theme";
import { Toasts } from "./toasts";
import { connect } from "./todoward";
import { type Disagreement, DISAGREEMENTS, type Refusal, refusalOf, REFUSALS } from "./undecided";
import { Undo } from "./undo";

export interface User {
  id: string;
  name: string;
  email: string;
  /** Has no account yet: the tasks are kept for this browser. */
  guest: boolean;
}

export interface Server {
  /** Where the browser finds Todoward. */
  baseUrl: string;
  /** Milliseconds after which a request is given up. */
  timeLimit: number;
}

/** What the page comes with. */
export interface First {
  user: User;
  server: Server;
  theme: Theme;
  address: Address;
  /** As far as the server knows. */
  today: string;
  zone: string;
  rows: FirstRows | null;
}

/** Where text is kept that was typed when the page went. */
export const TYPED = "typed";

export interface Typed {
  id: string;
  field: "title" | "description";
  base: string;
  text: string;
}

export type Services = ReturnType<typeof makeServices>;

/** Everything of one signed-in user that lives longer than a component. */
export function makeServices({ user, server, theme, address, today, zone: firstZone, rows: first }: First) {
  const toasts = new Toasts();
  const undo = new Undo();
  /** Goes with the tab. */
  const storage = new UserStorage(user.id);
  /** Stays on the device. */
  const kept = new UserStorage(user.id, "localStorage");
  const settings = new SettingsStore(kept, theme);
  const navigation = new Navigation(address);
  const day = new Store(today);
  /** The zone that days and times are shown in. */
  const zone = new Store(firstZone);
  const disagreements = new SharedList<Disagreement>(kept, DISAGREEMENTS);
  const refusals = new SharedList<Refusal>(kept, REFUSALS);
  /** `later`: the user knows, and goes on without sending. */
  const signedOut = new Store<"no" | "asking" | "later">("no");
  /** Ids of the tasks that are chosen for a common action. */
  const selection = new Store<ReadonlySet<string>>(new Set());
  /** Tasks whose subtasks are hidden. */
  const none: ReadonlySet<string> = new Set();
  const closed = kept.read<string[]>("collapsed", []);
  const collapsed = new Store(closed.length ? new Set(closed) : none, none);
  collapsed.subscribe(() => kept.write("collapsed", [...collapsed.get()].slice(-1000)));
  /** Completed a moment ago: their rows are still there. */
  const lingering = new Store<ReadonlySet<string>>(new Set());
  /** What was said last to whoever cannot see it. */
  const said = new Store("");
  const connection = connect({
    ...server,
    userId: user.id,
    onSignedOut(reason) {
      if (reason === "other-user") location.reload();
      else if (signedOut.get() === "no") signedOut.set("asking");
    },
  });
  /** Has signed out, here or in another tab. */
  let left = false;
  const rows: LocalRows = new LocalRows({
    connect: connection.client,
    settings: kept,
    first,
    onGone() {
      left = true;
      storage.clear();
      location.reload();
    },
    onConflict(conflict) {
      const { kind, id, field, local, remote } = conflict;
      // A list's name is not worth a question: the later one stays.
      if (kind !== "task") return undefined;
      disagreements.add({ key: `${id} ${field}`, id, field, local, remote });
      return remote;
    },
    onRejected(rejection) {
      // Gone is what was to go.
      if (rejection.action.type === "delete") return;
      refusals.add(refusalOf(rejection, rows.titleOf(rejection.id)));
    },
  });
  /** What was typed in the moment in which the page went: the browser may not have saved it any more. */
  function finishTyping() {
    const typed = storage.read<Typed | null>(TYPED, null);
    storage.write(TYPED, undefined);
    if (!typed) return;
    const { id, field, base, text } = typed;
    rows.write((copy) => {
      const task = copy.tasks.get(id);
      const now = task?.[field] ?? "";
      if (!task || now === text) return;
      if (now === base) void copy.tasks.update(id, { [field]: text || null });
      else disagreements.add({ key: `${id} ${field}`, id, field, local: text || null, remote: now || null });
    });
  }
  const look = () => {
    const { timeZone } = settings.get();
    return timeZone === null ? todayHere() : todayIn(timeZone);
  };
  const actions = makeActions({ rows, undo, toasts, today: look, onCompleted: (ids) => linger(lingering, ids) });
  return {
    user, connection, rows, actions, undo, toasts, storage, kept, settings, navigation, day, zone, disagreements, refusals,
    signedOut, selection, collapsed, lingering, said,
    /** Begins all that needs a browser; gives the function that ends it. */
    start() {
      let told = "";
      let ended = false;
      const newDay = () => {
        const here = zoneOf(settings.get());
        if (here !== zone.get()) zone.set(here);
        // So that the server's next first page has the right day.
        if (here !== told) document.cookie = `zone=${encodeURIComponent(here)}; path=/; max-age=31536000; samesite=lax`;
        told = here;
        const now = look();
        if (now !== day.get()) day.set(now);
      };
      const back = () => {
        if (document.visibilityState !== "visible") return;
        connection.returned();
        newDay();
      };
      // Some browsers keep a page as it was, and show it to whoever goes back.
      const shown = (event: PageTransitionEvent) => left && event.persisted && location.reload();
      // The first visit of this browser waits for what the server says: one step less.
      if (!rows.isCopied) connection.prepare();
      // A page that was kept may be yesterday's; else the zone, which takes some browsers long to say, can wait.
      if (look() !== day.get()) newDay();
      void idle(500).then(() => ended || newDay());
      const timer = setInterval(newDay, 20_000);
      finishTyping();
      const ends = [
        navigation.start(),
        rows.start(),
        disagreements.start(),
        refusals.start(),
        settings.start(),
        settings.subscribe(newDay),
        () => clearInterval(timer),
      ];
      document.addEventListener("visibilitychange", back);
      window.addEventListener("pageshow", shown);
      return () => {
        ended = true;
        document.removeEventListener("visibilitychange", back);
        window.removeEventListener("pageshow", shown);
        for (const end of ends) end();
      };
    },
    /** Signed in again, as the same user. */
    resume() {
      connection.renew();
      signedOut.set("no");
      rows.sync();
    },
    /** Leaves nothing of this user on the device. */
    async forget() {
      left = true;
      await connection.forget();
      storage.clear();
      disagreements.clear();
      refusals.clear();
      await rows.wipe();
      const { forgetShell } = await import("./service-worker");
      await forgetShell();
    },
  };
}

const LINGER = 1100;

function linger(lingering: Store<ReadonlySet<string>>, ids: readonly string[]) {
  lingering.set(new Set([...lingering.get(), ...ids]));
  setTimeout(() => lingering.set(new Set([...lingering.get()].filter((id) => !ids.includes(id)))), LINGER);
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("ServicesContext is missing");
  return services;
}
