import { type ComponentType, lazy, useState } from "react";
import { idle } from "@/lib/idle";
import { NotLoaded } from "./not-loaded";

/** What is not seen at first is not in the first script, but here before there is no network. */
const LOADS: (() => Promise<unknown>)[] = [];

/** A component that is loaded when it is needed, if not before; then it is there at once. */
function later<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  let loaded: ComponentType<Props> | undefined;
  const loading = () => load().then((component) => (loaded = component));
  const Lazy = lazy(() => loading().then((component) => ({ default: component }), () => ({ default: NotLoaded as ComponentType<Props> })));
  LOADS.push(loading);
  return function Later(props: Props) {
    // The same one as long as it is shown.
    const [Component] = useState<ComponentType<Props>>(() => loaded ?? Lazy);
    return <Component {...props} />;
  };
}

export const TaskDetails = later(() => import("./task-details").then((module) => module.TaskDetails));
export const ConflictDialog = later(() => import("./conflict-dialog").then((module) => module.ConflictDialog));
export const RefusalNotice = later(() => import("./refusal-notice").then((module) => module.RefusalNotice));
export const SelectionBar = later(() => import("./selection-bar").then((module) => module.SelectionBar));
export const Palette = later(() => import("./palette").then((module) => module.Palette));
export const ListEditor = later(() => import("./list-editor").then((module) => module.ListEditor));
export const ListMenu = later(() => import("./list-menu").then((module) => module.ListMenu));
export const FilterPanel = later(() => import("./filter-panel").then((module) => module.FilterPanel));
export const UpcomingBar = later(() => import("./upcoming-bar").then((module) => module.UpcomingBar));
export const Calendar = later(() => import("./calendar").then((module) => module.Calendar));
export const TrashPlace = later(() => import("./trash-place").then((module) => module.TrashPlace));
export const SettingsPlace = later(() => import("./settings-place").then((module) => module.SettingsPlace));
export const HelpDialog = later(() => import("./help-dialog").then((module) => module.HelpDialog));
export const SessionDialog = later(() => import("./session-dialog").then((module) => module.SessionDialog));
export const SignOutDialog = later(() => import("./sign-out-dialog").then((module) => module.SignOutDialog));
export const DeleteAccount = later(() => import("./settings/delete-account").then((module) => module.DeleteAccount));
LOADS.push(() => import("@/lib/language/quick-add"));

/** What is loaded in one go: a few milliseconds of work. */
const AT_ONCE = 3;

/** A few at a time, when nothing else is to be done: whatever is pressed meanwhile comes first. */
export async function loadAll(): Promise<void> {
  for (let from = 0; from < LOADS.length; from += AT_ONCE) {
    await idle(500);
    await Promise.all(LOADS.slice(from, from + AT_ONCE).map((load) => load().catch(() => undefined)));
  }
}
