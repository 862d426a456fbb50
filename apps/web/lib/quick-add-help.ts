/** What quick add understands, for the help. A test adds each of the examples. */
export const QUICK_ADD: { what: string; examples: string[] }[] = [
  { what: "A day", examples: ["today", "tomorrow", "friday", "next monday", "3 March", "in two weeks", "end of the month", "@fri"] },
  { what: "A time", examples: ["5pm", "17:30", "at 7", "tomorrow morning", "9am New York time"] },
  { what: "Repetition", examples: ["every day", "every other tuesday", "every last Friday", "every 15th", "every! 3 days", "until 3 March"] },
  { what: "A tag", examples: ["#home"] },
  { what: "A list", examples: ["/Inbox"] },
  { what: "A priority", examples: ["!high", "!medium", "!low", "p1"] },
];
