import { useEffect, useState } from "react";
import { useAddress } from "@/hooks/use-address";
import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { PlaceView } from "./place-view";
import styles from "./shell.module.css";
import { Sidebar } from "./sidebar";
import { Toaster } from "./toaster";
import { TopBar } from "./top-bar";

/** The page: places at the side, tasks in the middle, what lies over them. */
export function Shell() {
  const { said, settings } = useServices();
  const { density } = useStore(settings);
  const address = useAddress();
  const [drawer, setDrawer] = useState(false);
  // Whoever goes back leaves the drawer, too.
  useEffect(() => setDrawer(false), [address.place]);
  return (
    <>
      <a className={styles.skip} href="#main">
        Skip to tasks
      </a>
      <div className={styles.shell} data-density={density}>
        <Sidebar open={drawer} onClose={() => setDrawer(false)} />
        <div className={styles.column}>
          <TopBar onMenu={() => setDrawer(true)} onPalette={() => {}} />
          <main id="main" tabIndex={-1} className={styles.main}>
            <PlaceView />
          </main>
        </div>
      </div>
      <Toaster />
      <div className="visually-hidden" role="status">
        {useStore(said)}
      </div>
    </>
  );
}
