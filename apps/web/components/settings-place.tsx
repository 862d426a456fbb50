import { AccountSection } from "./settings/account";
import { AppearanceSection } from "./settings/appearance";
import { DataSection } from "./settings/data";
import { DaysSection } from "./settings/days";
import { HelpSection } from "./settings/help";
import styles from "./settings/settings.module.css";
import head from "./place-view.module.css";

/** What a user chooses on this device, and what concerns the account. */
export function SettingsPlace() {
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
