/** The colours that are offered for a list. Others come from other programs, and are shown as they are. */
export const COLORS = {
  "#d64545": "Red",
  "#c7651a": "Orange",
  "#a67c00": "Yellow",
  "#3a8a3f": "Green",
  "#16877f": "Teal",
  "#2f78c8": "Blue",
  "#7357d3": "Purple",
  "#c2408f": "Pink",
  "#6b7280": "Grey",
} as const;
