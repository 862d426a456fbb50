import { AccountSection } from "./account";
import { AppearanceSection } from "./appearance";
import { DataSection } from "./data";
import { DaysSection } from "./days";
import { HelpSection } from "./help";
import styles from "./settings.module.css";
import head from "../place-view.module.css";

/** What a user chooses on this device, and what concerns the account. */
export function AllSettings() {
  return (
    <>
      <div className={head.head}>
        <div className={head.title}>
          <h1 tabIndex={-1}>Settings</h1>
        </div>
      </div>
      <div className={styles.settings}>
        <AppearanceSection />
        <DaysSection />
        <HelpSection />
        <DataSection />
        <AccountSection />
      </div>
    </>
  );
}
