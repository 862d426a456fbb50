import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import head from "./place-view.module.css";

/** What a user chooses on this device. */
export function SettingsPlace() {
  const { settings } = useServices();
  const { singleKeys, density } = useStore(settings);
  return (
    <>
      <div className={head.head}>
        <div className={head.title}>
          <h1 tabIndex={-1}>Settings</h1>
        </div>
      </div>
      <p>
        <label>
          <input type="checkbox" checked={density === "compact"} onChange={(event) => settings.change({ density: event.target.checked ? "compact" : "comfortable" })} />{" "}
          Compact rows
        </label>
      </p>
      <p>
        <label>
          <input type="checkbox" checked={singleKeys} onChange={(event) => settings.change({ singleKeys: event.target.checked })} />{" "}
          Single-key shortcuts
        </label>
      </p>
    </>
  );
}
