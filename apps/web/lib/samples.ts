import { type List, newId, type TaskFields } from "todoward-client";
import { addDays } from "./dates.ts";

export interface Samples {
  lists: { id: string; name: string; color: string }[];
  tasks: { id: string; fields: TaskFields }[];
}

/** Tasks that show what there is: lists, subtasks, times, repetition, notes. */
export function samples(today: string): Samples {
  const home = { id: newId(), name: "Home", color: "#2e7d32" } satisfies Partial<List>;
  const trip = { id: newId(), name: "Trip to Lisbon", color: "#1565c0" } satisfies Partial<List>;
  const flight = newId();
  const all: (TaskFields & { id?: string })[] = [
    { title: "Look around: press ? for all shortcuts", due_date: today, tags: ["todoward"] },
    { title: "Call the dentist", due_date: today, due_time: "16:30", priority: "high" },
    { title: "Return the library books", due_date: addDays(today, -1), tags: ["errands"] },
    { title: "Water the plants", due_date: today, list_id: home.id, recurrence: { rule: "FREQ=DAILY;INTERVAL=3", from: "completion" }, tags: ["plants"] },
    { title: "Pay the rent", due_date: lastDayOf(today), list_id: home.id, recurrence: { rule: "FREQ=MONTHLY;BYMONTHDAY=-1", from: "due" }, priority: "medium" },
    { title: "Fix the dripping tap", list_id: home.id, priority: "low", description: "You need:\n- [ ] a new washer\n- [ ] the small spanner" },
    { id: flight, title: "Book the flights", due_date: addDays(today, 3), list_id: trip.id, priority: "high", description: "Compare at https://www.example.com/flights" },
    { title: "Ask Ada for her dates", list_id: trip.id, parent_id: flight, due_date: addDays(today, 1), due_time: "12:00" },
    { title: "Check the passports", list_id: trip.id, parent_id: flight },
    { title: "Find a place to stay", due_date: addDays(today, 9), list_id: trip.id, tags: ["weekend"] },
    { title: "Type your own: “gym every other Tuesday at 7 #sport !low”" },
  ];
  return { lists: [home, trip], tasks: all.map(({ id = newId(), ...fields }) => ({ id, fields })) };
}

function lastDayOf(day: string): string {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}
