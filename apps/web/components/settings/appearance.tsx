import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { THEMES } from "@/lib/theme";
import { Choice, Section } from "./section";

export function AppearanceSection() {
  const { settings } = useServices();
  const { theme, density } = useStore(settings);
  return (
    <Section title="Appearance">
      <Choice label="Theme" value={theme} choices={THEMES} onChange={(value) => settings.change({ theme: value })} />
      <Choice
        label="Rows"
        value={density}
        choices={{ comfortable: "Comfortable", compact: "Compact" }}
        onChange={(value) => settings.change({ density: value })}
      />
    </Section>
  );
}
