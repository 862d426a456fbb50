import { type ComponentType, lazy } from "react";
import { NotLoaded } from "./not-loaded";

/** What is not seen at first is not in the first script, but here before there is no network. */
const LOADS: (() => Promise<unknown>)[] = [];

function later<Props>(load: () => Promise<ComponentType<Props>>) {
  LOADS.push(load);
  return lazy(() => load().then((component) => ({ default: component }), () => ({ default: NotLoaded as ComponentType<Props> })));
}

export const TaskDetails = later(() => import("./task-details").then((module) => module.TaskDetails));
export const ConflictDialog = later(() => import("./conflict-dialog").then((module) => module.ConflictDialog));
export const SelectionBar = later(() => import("./selection-bar").then((module) => module.SelectionBar));
export const Calendar = later(() => import("./calendar").then((module) => module.Calendar));
export const TrashPlace = later(() => import("./trash-place").then((module) => module.TrashPlace));
export const SettingsPlace = later(() => import("./settings-place").then((module) => module.SettingsPlace));
export const HelpDialog = later(() => import("./help-dialog").then((module) => module.HelpDialog));
export const SessionDialog = later(() => import("./session-dialog").then((module) => module.SessionDialog));

export async function loadAll(): Promise<void> {
  await Promise.all(LOADS.map((load) => load().catch(() => undefined)));
}
