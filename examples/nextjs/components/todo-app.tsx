"use client";

import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { LISTS } from "@/lib/changes";
import { makeServices, type Services, ServicesContext } from "@/lib/services";
import { useStore } from "@/lib/store";
import { SessionDialog } from "./session-dialog";
import { Toaster } from "./toaster";
import { Todo } from "./todo";
import type { TodoProps } from "./todo-loader";

export function TodoApp({ user, server, theme }: TodoProps) {
  const [services] = useState(() => makeServices(user, server));
  usePageLife(services);
  return (
    <QueryClientProvider client={services.queries}>
      <ServicesContext value={services}>
        <Todo theme={theme} />
        <Session services={services} />
        <Toaster />
      </ServicesContext>
    </QueryClientProvider>
  );
}

/** What was begun is finished: when the page opens, and when it goes. */
function usePageLife({ connection, deletions, outbox }: Services) {
  useEffect(() => {
    deletions.resume();
    outbox.retryAll();
    const leave = () => connection.whileLeaving(() => void deletions.commitAll());
    const back = () => document.visibilityState === "visible" && connection.returned();
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", back);
    document.addEventListener("visibilitychange", back);
    window.addEventListener("online", outbox.retryAll);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", back);
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("online", outbox.retryAll);
    };
  }, [connection, deletions, outbox]);
}

function Session({ services }: { services: Services }) {
  const { user, signedOut, connection, queries, outbox } = services;
  if (!useStore(signedOut)) return null;
  function resume(userId: string) {
    // The page of another user must have nothing of this one.
    if (userId !== user.id) return location.reload();
    connection.forget();
    signedOut.set(false);
    void queries.invalidateQueries({ queryKey: LISTS });
    outbox.retryAll();
  }
  return <SessionDialog onSignedIn={resume} />;
}
