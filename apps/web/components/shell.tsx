import { type ReactNode, Suspense, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useAppShortcuts } from "@/hooks/use-app-shortcuts";
import { useOfSnapshot } from "@/hooks/use-rows";
import { useServiceWorker } from "@/hooks/use-service-worker";
import { writeAddress } from "@/lib/places";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { AddButton } from "./add-button";
import { DetailPanel } from "./detail-panel";
import { HelpDialog, loadAll, Palette, SelectionBar, SessionDialog } from "./later";
import { Notices } from "./notices";
import { PlaceView } from "./place-view";
import styles from "./shell.module.css";
import { Sidebar } from "./sidebar";
import { Toaster } from "./toaster";
import { TopBar } from "./top-bar";

/** The page: places at the side, tasks in the middle, what lies over them. */
export function Shell() {
  const { selection } = useServices();
  const address = useAddress();
  const { place } = address;
  const path = writeAddress({ ...address, task: null });
  // What is not seen any more is not acted upon.
  useEffect(() => {
    if (selection.get().size) selection.set(new Set());
  }, [selection, path]);
  const [drawer, setDrawer] = useState(false);
  const [over, setOver] = useState<"palette" | "help" | null>(null);
  const close = useCallback(() => setOver(null), []);
  const openDrawer = useCallback(() => setDrawer(true), []);
  const closeDrawer = useCallback(() => setDrawer(false), []);
  const palette = useCallback(() => setOver("palette"), []);
  const help = useCallback(() => setOver("help"), []);
  // Whoever goes back leaves the drawer, too.
  useEffect(() => setDrawer(false), [place]);
  useAppShortcuts({ onPalette: palette, onHelp: help });
  return (
    <>
      <a
        className={styles.skip}
        href="#main"
        onClick={(event) => {
          // An entry of the history would be one too many.
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to tasks
      </a>
      <Frame>
        <Sidebar open={drawer} onClose={closeDrawer} />
        <div className={styles.column} data-behind-drawer>
          <TopBar onMenu={openDrawer} onPalette={palette} />
          <main id="main" tabIndex={-1} className={styles.main} data-wide={place.kind === "upcoming" && address.view === "month"}>
            <Notices />
            <PlaceView />
            <AddButton />
          </main>
        </div>
        <Suspense>
          <DetailPanel />
        </Suspense>
      </Frame>
      <Toaster />
      <Said />
      <Suspense>
        <Chosen />
        {over === "palette" && <Palette onClose={close} onHelp={help} />}
        {over === "help" && <HelpDialog onClose={close} />}
        <Session />
      </Suspense>
    </>
  );
}

/** What is known of the page as a whole; apart from what is in it, which is not drawn again for that. */
function Frame({ children }: { children: ReactNode }) {
  const { settings } = useServices();
  const { density } = useStore(settings);
  const { task } = useAddress();
  const open = useOfSnapshot((snapshot) => snapshot.open);
  const [running, setRunning] = useState(false);
  const [loaded, setLoaded] = useState(false);
  const early = useRef<string[]>([]);
  // Before the page is painted: it takes input from now on, and keys need not be kept any more.
  useLayoutEffect(() => {
    early.current = takeKeys();
    setRunning(true);
  }, []);
  useEffect(() => {
    replay(early.current.splice(0));
    // All the rest, before there is no network.
    const load = () => void loadAll().then(() => setLoaded(true));
    if (document.readyState === "complete") return load();
    window.addEventListener("load", load, { once: true });
    return () => window.removeEventListener("load", load);
  }, []);
  useServiceWorker(loaded);
  return (
    <div
      className={styles.shell}
      data-density={density}
      data-detail={task !== null}
      // What is pressed before would be half done: a box that is checked, and a task that is not.
      inert={!running}
      data-ready={running && open && loaded}
    >
      {children}
    </div>
  );
}

function Said() {
  const said = useStore(useServices().said);
  return (
    <div className="visually-hidden" role="status">
      {said}
    </div>
  );
}

function Chosen() {
  return useStore(useServices().selection).size > 0 && <SelectionBar />;
}

function Session() {
  return useStore(useServices().signedOut) === "asking" && <SessionDialog />;
}

declare global {
  interface Window {
    /** Keys that were pressed before this ran; components/early-keys.tsx. */
    earlyKeys?: string[];
  }
}

function takeKeys(): string[] {
  const keys = window.earlyKeys ?? [];
  delete window.earlyKeys;
  return keys;
}

function replay(keys: string[]) {
  // Once all else has begun.
  requestAnimationFrame(() => {
    for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  });
}
