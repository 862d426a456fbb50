import { FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { type Imported, type ImportFormat, isProblem } from "todoward-client";
import { why } from "@/lib/failures";
import { useServices } from "@/lib/services";
import ui from "../ui.module.css";
import styles from "./settings.module.css";

const FORMATS: Record<ImportFormat, string> = {
  ndjson: "Todoward backup (JSON Lines)",
  csv: "Todoward spreadsheet (CSV)",
  todoist: "Todoist (CSV template)",
  google: "Google Tasks (Takeout)",
  microsoft: "Microsoft To Do (Graph JSON)",
  icalendar: "Calendar (iCalendar)",
  todotxt: "todo.txt",
};
/** As the server's limit. */
const LARGEST = 20 * 1024 * 1024;

interface Preview {
  file: File;
  format: ImportFormat | undefined;
  result: Imported;
}

/** Imports a file; what it would do is shown before it is done. */
export function ImportFile() {
  const { connection, toasts, rows } = useServices();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [preview, setPreview] = useState<Preview>();
  const [wrong, setWrong] = useState<{ file: File; text: string }>();

  async function look(file: File, format?: ImportFormat) {
    setWrong(undefined);
    if (file.size > LARGEST) return setWrong({ file, text: "The file is larger than 20 MB. Split it and import the parts." });
    setBusy(true);
    try {
      const result = await (await connection.client()).importTasks(file, { dryRun: true, format });
      setPreview({ file, format, result });
    } catch (error) {
      setPreview(undefined);
      setWrong({ file, text: inWords(error) });
    } finally {
      setBusy(false);
    }
  }

  async function bring({ file, format }: Preview) {
    setBusy(true);
    try {
      const { created } = await (await connection.client()).importTasks(file, { format });
      setPreview(undefined);
      toasts.show(`Imported ${counted(created)}.`);
      rows.sync();
    } catch (error) {
      setWrong({ file, text: inWords(error) });
    } finally {
      setBusy(false);
      if (input.current) input.current.value = "";
    }
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) void look(file);
  }

  return (
    <div className={styles.import} data-over={over} onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)} onDrop={drop}>
      <div className={styles.row}>
        <div>
          <label htmlFor="import-file">Import</label>
          <p id="import-hint" className={styles.hint}>
            From Todoist, Google Tasks, Microsoft To Do, a calendar, todo.txt or a Todoward export. You’ll see what’s in the file
            before anything is added.
          </p>
        </div>
        <input
          ref={input}
          id="import-file"
          className="visually-hidden"
          type="file"
          accept=".ndjson,.jsonl,.json,.csv,.ics,.txt,text/*,application/json"
          aria-describedby="import-hint"
          tabIndex={-1}
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            if (file) void look(file);
          }}
        />
        <button type="button" className={ui.button} disabled={busy} onClick={() => input.current?.click()}>
          <FileUp size={16} aria-hidden="true" />
          {busy ? "Reading…" : "Choose a file"}
        </button>
      </div>
      {wrong && (
        <div className={styles.wrong} role="alert">
          <p>
            <strong>{wrong.file.name}</strong> can’t be imported. {wrong.text}
          </p>
          <FormatChoice value={undefined} onChange={(format) => void look(wrong.file, format)} />
        </div>
      )}
      {preview && <PreviewOf preview={preview} busy={busy} onFormat={(format) => void look(preview.file, format)} onImport={() => void bring(preview)} onCancel={() => setPreview(undefined)} />}
    </div>
  );
}

interface PreviewProps {
  preview: Preview;
  busy: boolean;
  onFormat: (format: ImportFormat | undefined) => void;
  onImport: () => void;
  onCancel: () => void;
}

function PreviewOf({ preview: { file, format, result }, busy, onFormat, onImport, onCancel }: PreviewProps) {
  const { created, existing, dropped, dropped_total } = result;
  const nothing = created.tasks + created.lists === 0;
  const known = existing.tasks + existing.lists > 0;
  return (
    <section className={styles.preview} aria-label="What will be imported">
      <p role="status">
        <strong>{file.name}</strong>: {nothing ? "nothing new" : `${counted(created)} will be added`}
        {known && `, ${counted(existing)} already here`}.
      </p>
      {dropped_total > 0 && (
        <details open={dropped_total <= 5}>
          <summary>
            {dropped_total === 1 ? "One detail can’t be kept" : `${dropped_total.toLocaleString("en")} details can’t be kept`}
          </summary>
          <ul className={styles.dropped}>
            {dropped.map(({ line, item, field, detail }, at) => (
              <li key={at}>
                <span className={styles.line}>Line {line}</span> {item && <strong>{item}: </strong>}
                {field && `${field} `}({detail})
              </li>
            ))}
          </ul>
          {dropped.length < dropped_total && <p className={styles.hint}>The first {dropped.length.toLocaleString("en")} are shown.</p>}
        </details>
      )}
      <FormatChoice value={format} onChange={onFormat} />
      <div className={styles.buttons}>
        <button type="button" className={ui.button} onClick={onCancel}>
          Cancel
        </button>
        <button type="button" className={ui.primary} disabled={busy || nothing} onClick={onImport}>
          {busy ? "Importing…" : "Import"}
        </button>
      </div>
    </section>
  );
}

function FormatChoice({ value, onChange }: { value: ImportFormat | undefined; onChange: (format: ImportFormat | undefined) => void }) {
  return (
    <label className={styles.format}>
      Format
      <select className={ui.input} value={value ?? ""} onChange={(event) => onChange((event.target.value || undefined) as ImportFormat | undefined)}>
        <option value="">Detect automatically</option>
        {Object.entries(FORMATS).map(([format, name]) => (
          <option key={format} value={format}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function counted({ tasks, lists }: { tasks: number; lists: number }): string {
  const of = (number: number, one: string) => `${number.toLocaleString("en")} ${number === 1 ? one : `${one}s`}`;
  if (!lists) return of(tasks, "task");
  return tasks ? `${of(tasks, "task")} and ${of(lists, "list")}` : of(lists, "list");
}

function inWords(error: unknown): string {
  if (isProblem(error) && error.status === 415) return "Its format isn’t recognized. Choose it below.";
  if (isProblem(error) && error.status === 413) return "The file is too large.";
  const line = isProblem(error) ? error.line : undefined;
  return `${line ? `Line ${line}: ` : ""}${why(error)}`;
}
