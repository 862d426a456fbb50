import { useCallback, useEffect, useRef } from "react";

/** The end of a click, or of a drag that it has become. */
const ENDS = ["mouseup", "dragend"] as const;

/**
 * Runs something at once, or, in the middle of a click, when it is over. A tap
 * is a click, too: its mouse events come after those of the pointer.
 */
export function useAfterClick() {
  const pressed = useRef(false);
  useEffect(() => {
    const down = () => (pressed.current = true);
    const up = () => (pressed.current = false);
    window.addEventListener("mousedown", down, true);
    for (const end of ENDS) window.addEventListener(end, up, true);
    return () => {
      window.removeEventListener("mousedown", down, true);
      for (const end of ENDS) window.removeEventListener(end, up, true);
    };
  }, []);
  return useCallback((run: () => void) => {
    if (!pressed.current) return run();
    const later = () => {
      for (const end of ENDS) window.removeEventListener(end, later);
      // The click itself follows the release.
      setTimeout(run);
    };
    for (const end of ENDS) window.addEventListener(end, later);
  }, []);
}
