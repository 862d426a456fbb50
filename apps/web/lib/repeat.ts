import type { Task } from "todoward-client";
import { weekday } from "./dates.ts";

const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** The common rules, for a task that is due on a day. */
export function commonRules(day: string): Record<string, string> {
  return {
    "FREQ=DAILY": "Every day",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "Every weekday",
    [`FREQ=WEEKLY;BYDAY=${DAYS[weekday(day)]}`]: "Every week",
    [`FREQ=WEEKLY;INTERVAL=2;BYDAY=${DAYS[weekday(day)]}`]: "Every other week",
    "FREQ=MONTHLY": "Every month",
    "FREQ=YEARLY": "Every year",
  };
}

export function describeRule(recurrence: Task["recurrence"], day: string): string {
  if (!recurrence) return "Doesn’t repeat";
  return commonRules(day)[recurrence.rule] ?? "Custom";
}
