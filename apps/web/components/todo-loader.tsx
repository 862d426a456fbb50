"use client";

import dynamic from "next/dynamic";
import type { Server, User } from "@/lib/services";
import type { Theme } from "@/lib/theme";
import { PageSkeleton } from "./skeleton";

export interface TodoProps {
  user: User;
  server: Server;
  theme: Theme;
}

// Everything in it depends on the browser: the day, the address, drafts in the tab's storage.
export const TodoLoader = dynamic<TodoProps>(() => import("./todo-app").then((module) => module.TodoApp), {
  ssr: false,
  loading: PageSkeleton,
});
