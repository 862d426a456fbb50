import { useCallback, useEffect, useRef } from "react";

/** Runs something at once, or, while the pointer is pressed, when the click is over. */
export function useAfterClick() {
  const pressed = useRef(false);
  useEffect(() => {
    const down = () => (pressed.current = true);
    const up = () => (pressed.current = false);
    window.addEventListener("pointerdown", down, true);
    window.addEventListener("pointerup", up, true);
    window.addEventListener("pointercancel", up, true);
    return () => {
      window.removeEventListener("pointerdown", down, true);
      window.removeEventListener("pointerup", up, true);
      window.removeEventListener("pointercancel", up, true);
    };
  }, []);
  return useCallback((run: () => void) => {
    if (!pressed.current) return run();
    const later = () => {
      window.removeEventListener("pointerup", later);
      window.removeEventListener("pointercancel", later);
      // The click itself follows the release of the pointer.
      setTimeout(run);
    };
    window.addEventListener("pointerup", later);
    window.addEventListener("pointercancel", later);
  }, []);
}
