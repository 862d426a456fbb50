import { useEffect, useEffectEvent, useRef } from "react";
import styles from "./load-more.module.css";
import ui from "./ui.module.css";

interface Props {
  busy: boolean;
  failed: boolean;
  onMore: () => void;
}

/** Loads the next page when it comes into sight; also a button. */
export function LoadMore({ busy, failed, onMore }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const seen = useEffectEvent(() => {
    if (!busy && !failed) onMore();
  });
  useEffect(() => {
    const element = place.current;
    if (!element || busy) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) seen();
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [busy]);
  return (
    <div ref={place} className={styles.more}>
      {failed && <p role="alert">More tasks could not be loaded.</p>}
      <button type="button" className={ui.button} onClick={onMore} disabled={busy}>
        {busy ? "Loading…" : failed ? "Try again" : "Load more"}
      </button>
    </div>
  );
}
