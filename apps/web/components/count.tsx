import type { ReactNode } from "react";
import styles from "./sidebar.module.css";

/** How many tasks are open; how many of them are overdue stands before it. */
export function Count({ count, overdue = 0 }: { count: number; overdue?: number }): ReactNode {
  if (count === 0) return null;
  return (
    <>
      {overdue > 0 && (
        <span className={styles.overdue}>
          {overdue}
          <span className="visually-hidden"> overdue, </span>
        </span>
      )}
      <span className={styles.count}>
        {count}
        <span className="visually-hidden"> open</span>
      </span>
    </>
  );
}
