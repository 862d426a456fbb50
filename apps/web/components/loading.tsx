import styles from "./place-view.module.css";

/** Only at the very first visit of a device, and only if the server takes its time. */
export function Loading() {
  return (
    <p className={styles.loading} role="status">
      Loading your tasks…
    </p>
  );
}
