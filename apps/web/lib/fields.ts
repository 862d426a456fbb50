import type { Task, TaskPatch } from "todoward-client";
import type { Priority } from "./filters";

/** What a form holds: the fields of a task that a user writes, never null. */
export interface Fields {
  title: string;
  description: string;
  priority: Priority;
  due_date: string;
  tags: string[];
}

export type FieldName = keyof Fields;

export const FIELD_LABELS: Record<FieldName, string> = {
  title: "Title",
  description: "Notes",
  priority: "Priority",
  due_date: "Due date",
  tags: "Tags",
};

export const FIELD_NAMES = Object.keys(FIELD_LABELS) as FieldName[];

export const NO_FIELDS: Fields = { title: "", description: "", priority: "none", due_date: "", tags: [] };

export function fieldsOf(task: Task): Fields {
  const { title, priority, tags } = task;
  return { title, priority, tags, description: task.description ?? "", due_date: task.due_date ?? "" };
}

export function sameValue(a: Fields, b: Fields, name: FieldName): boolean {
  return JSON.stringify(a[name]) === JSON.stringify(b[name]);
}

/** The fields that differ. */
export function changed(from: Fields, to: Fields): FieldName[] {
  return FIELD_NAMES.filter((name) => !sameValue(from, to, name));
}

/** What to send so that `from` becomes `to`: only what differs, and null for what is empty. */
export function patchBetween(from: Fields, to: Fields): TaskPatch {
  return Object.fromEntries(changed(from, to).map((name) => [name, toWire(to, name)]));
}

/** What to send to create a task: nothing that is empty anyway. */
export function createBody(fields: Fields) {
  return { title: fields.title, ...patchBetween({ ...NO_FIELDS, title: fields.title }, fields) };
}

function toWire(fields: Fields, name: FieldName) {
  const value = fields[name];
  return value === "" && name !== "title" ? null : value;
}
