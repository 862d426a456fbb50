import styles from "./logo.module.css";

export function Logo() {
  return (
    <span className={styles.logo}>
      <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
        <rect width="32" height="32" rx="9" />
        <path d="M9.5 16.8l4.4 4.4 8.8-10" />
      </svg>
      Todoward
    </span>
  );
}
