import type { ReactNode } from "react";
import styles from "./sidebar.module.css";

export function Count({ count, overdue = 0 }: { count: number; overdue?: number }): ReactNode {
  if (count === 0) return null;
  return (
    <span className={styles.count} data-overdue={overdue > 0}>
      {count}
      <span className="visually-hidden"> open{overdue > 0 && `, ${overdue} overdue`}</span>
    </span>
  );
}
