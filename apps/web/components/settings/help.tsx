import { useServices } from "@/lib/services";
import { useStore } from "@/lib/store";
import { QUICK_ADD } from "@/lib/quick-add-help";
import { Shortcuts } from "../help-dialog";
import { Row, Section } from "./section";
import styles from "./settings.module.css";

export function HelpSection() {
  const { settings } = useServices();
  const { singleKeys } = useStore(settings);
  return (
    <Section title="Keyboard and quick add">
      <Row label="Single-key shortcuts" hint="Turn these off if you use dictation, or press keys by accident.">
        {(ids) => <input {...ids} type="checkbox" checked={singleKeys} onChange={(event) => settings.change({ singleKeys: event.target.checked })} />}
      </Row>
      <details className={styles.details}>
        <summary>All keyboard shortcuts</summary>
        <Shortcuts className={styles.list} />
      </details>
      <details className={styles.details}>
        <summary>What you can type when you add a task</summary>
        <dl className={styles.list}>
          {QUICK_ADD.map(({ what, examples }) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>
                {examples.map((example) => (
                  <code key={example}>{example}</code>
                ))}
              </dd>
            </div>
          ))}
        </dl>
        <p className={styles.hint}>
          You’ll see what was understood before you add the task. Remove an item to keep its words in the title, or put words in
          “quotes”. A weekday before another word is part of the title (“Sunday lunch”); write “on Sunday” if you mean the date.
        </p>
      </details>
    </Section>
  );
}
