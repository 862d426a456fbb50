import styles from "./skeleton.module.css";
import { Logo } from "./logo";
import layout from "./layout.module.css";

const WIDTHS = ["62%", "44%", "71%", "36%", "55%", "48%"];

export function ListSkeleton() {
  return (
    <div role="status" className={styles.list}>
      <span className="visually-hidden">Loading tasks…</span>
      {WIDTHS.map((width, index) => (
        <div key={width} className={styles.row} data-index={index} aria-hidden="true">
          <span className={styles.box} />
          <svg width={width} height="12">
            <rect width="100%" height="12" rx="6" />
          </svg>
        </div>
      ))}
    </div>
  );
}

/** The page before its code is there. */
export function PageSkeleton() {
  return (
    <>
      <header className={layout.header}>
        <div className={layout.bar}>
          <Logo />
        </div>
      </header>
      <main className={layout.main}>
        <div className={styles.head} aria-hidden="true" />
        <div className={styles.composer} aria-hidden="true" />
        <ListSkeleton />
      </main>
    </>
  );
}
