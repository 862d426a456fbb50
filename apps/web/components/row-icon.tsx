// Lucide's (ISC license), as one path each: a page has hundreds of them, and each of Lucide's own components takes as
// long to hydrate as the rest of its row.

const dot = (x: number, y: number) => `M${x - 1} ${y}a1 1 0 1 0 2 0 1 1 0 1 0-2 0`;

const PATHS = {
  delete: "M10 11v6M14 11v6M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6M3 6h18M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2",
  done: "M2 12a10 10 0 1 0 20 0 10 10 0 1 0-20 0M16 9l-5.5 5.5L8 12",
  grip: [5, 12, 19].flatMap((y) => [dot(9, y), dot(15, y)]).join(""),
  flag: "M4 22V4a1 1 0 0 1 .4-.8A6 6 0 0 1 8 2c3 0 5 2 7.333 2q2 0 3.067-.8A1 1 0 0 1 20 4v10a1 1 0 0 1-.4.8A6 6 0 0 1 16 16c-3 0-5-2-8-2a6 6 0 0 0-4 1.528",
  tag: "M4 9h16M4 15h16M10 3 8 21M16 3l-2 18",
} as const;

interface Props {
  icon: keyof typeof PATHS;
  size: number;
  filled?: boolean;
}

export function RowIcon({ icon, size, filled = false }: Props) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[icon]} />
    </svg>
  );
}
