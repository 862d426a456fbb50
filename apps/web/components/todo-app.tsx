"use client";

import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { LISTS } from "@/lib/changes";
import { countUnsaved, makeServices, type Services, ServicesContext } from "@/lib/services";
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
function usePageLife({ connection, deletions, outbox, edits, leaving }: Services) {
  useEffect(() => {
    deletions.resume();
    outbox.retryAll();
    const leave = () => connection.whileLeaving(() => void deletions.commitAll());
    const back = () => {
      if (document.visibilityState !== "visible") return;
      leaving.set(false);
      connection.returned();
    };
    // The tab's storage outlives a reload, but not the tab, and nobody can tell which of them it is.
    const warn = (event: Event) => {
      if (!leaving.get() && countUnsaved({ outbox, edits })) event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", back);
    document.addEventListener("visibilitychange", back);
    window.addEventListener("online", outbox.retryAll);
    return () => {
      window.removeEventListener("beforeunload", warn);
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", back);
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("online", outbox.retryAll);
    };
  }, [connection, deletions, outbox, edits, leaving]);
}

function Session({ services }: { services: Services }) {
  const { user, signedOut, connection, queries, outbox, leave } = services;
  if (!useStore(signedOut)) return null;
  function resume(userId: string) {
    // The page of another user must have nothing of this one.
    if (userId !== user.id) return leave(() => location.reload());
    connection.renew();
    signedOut.set(false);
    void queries.invalidateQueries({ queryKey: LISTS });
    outbox.retryAll();
  }
  return <SessionDialog onSignedIn={resume} />;
}
