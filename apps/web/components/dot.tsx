/** The colour of a list. An attribute of SVG, because the page's policy forbids styles in elements. */
export function Dot({ color, size = 11 }: { color: string | null; size?: number }) {
  return (
    <svg viewBox="0 0 12 12" width={size} height={size} aria-hidden="true">
      {color ? <circle cx="6" cy="6" r="5" fill={color} /> : <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.6" />}
    </svg>
  );
}
