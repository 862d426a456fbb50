import { useEffect, useEffectEvent, useRef, useState } from "react";

const FIRST = 3;
const LONGEST = 30;

/**
 * Tries again by itself: after as long as the server asks for, else after
 * longer and longer pauses. Answers the seconds until then.
 */
export function useRetry(failedAt: number, retryAfter: number | undefined, transient: boolean, retry: () => void) {
  const attempts = useRef(0);
  const [left, setLeft] = useState<number | null>(null);
  const again = useEffectEvent(retry);
  useEffect(() => {
    if (!transient) return setLeft(null);
    const pause = Math.max(retryAfter ?? 0, Math.min(FIRST * 2 ** attempts.current, LONGEST));
    attempts.current += 1;
    const end = Date.now() + pause * 1000;
    setLeft(Math.ceil(pause));
    const timer = setInterval(() => {
      const seconds = Math.ceil((end - Date.now()) / 1000);
      setLeft(Math.max(seconds, 0));
      if (seconds > 0) return;
      clearInterval(timer);
      again();
    }, 250);
    const online = () => again();
    window.addEventListener("online", online);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", online);
    };
  }, [failedAt, retryAfter, transient]);
  return left;
}
