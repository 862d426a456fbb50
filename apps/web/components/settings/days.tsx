import { useServices } from "@/lib/services";
import { zoneOf } from "@/lib/settings";
import { useStore } from "@/lib/store";
import ui from "../ui.module.css";
import { Choice, Row, Section } from "./section";

const STARTS = { 1: "Monday", 0: "Sunday", 6: "Saturday" } as const;

export function DaysSection() {
  const { settings } = useServices();
  const { weekStart, timeZone } = useStore(settings);
  const device = zoneOf({ ...settings.get(), timeZone: null });
  // Loaded only where it is shown: there are more than 400.
  const zones = Intl.supportedValuesOf("timeZone");
  return (
    <Section title="Dates and times">
      <Choice
        label="Week starts on"
        value={String(weekStart) as "0" | "1" | "6"}
        choices={STARTS}
        onChange={(value) => settings.change({ weekStart: Number(value) as 0 | 1 | 6 })}
      />
      <Row label="Time zone" hint="Sets when each day begins. Times without a time zone stay the same wherever you are.">
        {(ids) => (
          <select {...ids} className={ui.input} value={timeZone ?? ""} onChange={(event) => settings.change({ timeZone: event.target.value || null })}>
            <option value="">This device ({name(device)})</option>
            {zones.map((zone) => (
              <option key={zone} value={zone}>
                {name(zone)}
              </option>
            ))}
          </select>
        )}
      </Row>
    </Section>
  );
}

const name = (zone: string) => zone.replaceAll("_", " ");
