import { Download } from "lucide-react";
import { useState } from "react";
import type { ExportFormat } from "todoward-client";
import { useStatus } from "@/hooks/use-rows";
import { why } from "@/lib/failures";
import { useServices } from "@/lib/services";
import ui from "../ui.module.css";
import { ImportFile } from "./import-file";
import { Row, Section } from "./section";
import styles from "./settings.module.css";

const FORMATS: Record<ExportFormat, { name: string; file: string }> = {
  ndjson: { name: "Backup: everything, including the trash (JSON Lines)", file: "todoward.ndjson" },
  csv: { name: "Spreadsheet (CSV)", file: "todoward.csv" },
  icalendar: { name: "Calendar apps (iCalendar)", file: "todoward.ics" },
  todotxt: { name: "Plain text (todo.txt)", file: "todo.txt" },
};

export function DataSection() {
  const { connection, toasts } = useServices();
  const { pending } = useStatus();
  const [format, setFormat] = useState<ExportFormat>("ndjson");
  const [busy, setBusy] = useState(false);

  async function download() {
    setBusy(true);
    try {
      const response = await (await connection.client()).exportTasks(format);
      save(await response.blob(), FORMATS[format].file);
      toasts.show("Your tasks have been exported.");
    } catch (error) {
      toasts.error(`Your tasks couldn’t be exported. ${why(error)}`);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Section title="Your data">
      <Row label="Export" hint={pending ? "Changes that haven’t reached the server yet aren’t in the file." : "A file with your tasks and lists, to keep or use elsewhere."}>
        {(ids) => (
          <div className={styles.action}>
            <select {...ids} className={ui.input} value={format} onChange={(event) => setFormat(event.target.value as ExportFormat)}>
              {Object.entries(FORMATS).map(([value, { name }]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
            <button type="button" className={ui.button} disabled={busy} onClick={download}>
              <Download size={16} aria-hidden="true" />
              {busy ? "Exporting…" : "Export"}
            </button>
          </div>
        )}
      </Row>
      <ImportFile />
    </Section>
  );
}

function save(content: Blob, name: string) {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // Once the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
