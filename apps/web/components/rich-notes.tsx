import { useId } from "react";
import { type Block, blocks, type Inline, withCheck } from "@/lib/language/markup";
import styles from "./rich-notes.module.css";

interface Props {
  notes: string;
  /** The notes with a check item ticked, or not; without it the items cannot be pressed. */
  onChange?: (notes: string) => void;
}

/** Notes as they are meant: links that can be followed, bullets, and check items. */
export function RichNotes({ notes, onChange }: Props) {
  return (
    <div className={styles.notes}>
      {blocks(notes).map((block, at) => (
        <Shown key={at} block={block} onCheck={onChange && ((line, done) => onChange(withCheck(notes, line, done)))} />
      ))}
    </div>
  );
}

function Shown({ block, onCheck }: { block: Block; onCheck: ((line: number, done: boolean) => void) | undefined }) {
  const id = useId();
  if (block.kind === "paragraph") {
    return (
      <p>
        {block.lines.map((line, at) => (
          <span key={at}>
            {at > 0 && <br />}
            <Line content={line} />
          </span>
        ))}
      </p>
    );
  }
  if (block.kind === "checks") {
    return (
      <ul className={styles.checks}>
        {block.items.map(({ done, line, content }) => (
          <li key={line}>
            <input
              type="checkbox"
              checked={done}
              disabled={!onCheck}
              aria-labelledby={`${id}-${line}`}
              onChange={(event) => onCheck?.(line, event.target.checked)}
            />
            <span id={`${id}-${line}`} data-done={done || undefined}>
              <Line content={content} />
            </span>
          </li>
        ))}
      </ul>
    );
  }
  const items = block.items.map((item, at) => (
    <li key={at}>
      <Line content={item} />
    </li>
  ));
  return block.kind === "numbers" ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
}

function Line({ content }: { content: Inline[] }) {
  return content.map(({ text, href }, at) =>
    href ? (
      // A page that is opened knows nothing of this one.
      <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow" onClick={(event) => event.stopPropagation()}>
        {text}
      </a>
    ) : (
      <span key={at}>{text}</span>
    ),
  );
}
