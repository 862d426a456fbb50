import { type Address, parseAddress, samePlace, TODAY, writeAddress } from "./places";
import { Store } from "./store";

/** What stands beside the address in an entry of the history. */
interface Entry {
  /** Counts the entries of this visit, so that each has its own scroll position. */
  at: number;
  /** The panel was opened from the entry before: closing it goes back there. */
  opened?: boolean;
}

/**
 * Where in the app the user is. Goes from place to place by the History API alone, so that it is instant and needs
 * no network; Next.js follows it.
 */
export class Navigation extends Store<Address> {
  private scrolls = new Map<number, number>();

  constructor(first: Address) {
    super(first);
  }

  /** Begins to follow the browser; gives the function that ends it. */
  start(): () => void {
    history.scrollRestoration = "manual";
    if (entry().at === undefined) this.stamp({ at: 0 });
    this.read();
    const back = () => {
      this.read();
      // The rows are drawn by now.
      const top = this.scrolls.get(entry().at ?? 0) ?? 0;
      requestAnimationFrame(() => window.scrollTo({ top, behavior: "instant" }));
    };
    // The position is needed when it is too late to ask for it: the browser has changed the entry by then.
    const scrolled = () => this.scrolls.set(entry().at ?? 0, window.scrollY);
    window.addEventListener("popstate", back);
    window.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      window.removeEventListener("popstate", back);
      window.removeEventListener("scroll", scrolled);
    };
  }

  /** Goes somewhere: a new entry of the history, at the top of the page if it is another place or filter. */
  go(to: Address, { replace = false } = {}) {
    const from = this.get();
    const url = writeAddress(to);
    if (url === writeAddress(from)) return;
    const { at = 0, opened } = entry();
    if (replace) {
      history.replaceState({ at, opened }, "", url);
    } else {
      const opens = to.task !== null && from.task === null && samePlace(from.place, to.place);
      history.pushState({ at: at + 1, opened: opens } satisfies Entry, "", url);
    }
    this.set(to);
    const stays = writeAddress({ ...to, task: null }) === writeAddress({ ...from, task: null });
    if (!stays && !replace) window.scrollTo({ top: 0, behavior: "instant" });
  }

  /** Changes a part of the address. */
  change(some: Partial<Address>, options?: { replace?: boolean }) {
    this.go({ ...this.get(), ...some }, options);
  }

  openTask(id: string) {
    this.change({ task: id }, { replace: this.get().task !== null });
  }

  closeTask() {
    if (this.get().task === null) return;
    if (entry().opened) history.back();
    else this.change({ task: null }, { replace: true });
  }

  private read() {
    const now = parseAddress(location.pathname, location.search) ?? TODAY;
    if (writeAddress(now) !== writeAddress(this.get())) this.set(now);
  }

  private stamp(state: Entry) {
    history.replaceState({ ...history.state, ...state }, "", location.href);
  }
}

function entry(): Partial<Entry> {
  return (history.state ?? {}) as Partial<Entry>;
}
