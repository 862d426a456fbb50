import { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { Changes } from "./changes";
import { Deletions } from "./deletions";
import { Edits } from "./edits";
import { Outbox } from "./outbox";
import { UserStorage } from "./storage";
import { Store } from "./store";
import { connect } from "./todoward";
import { Toasts } from "./toasts";

export interface User {
  id: string;
  name: string;
  email: string;
}

export interface Server {
  /** Where the browser finds Todoward. */
  baseUrl: string;
  /** Milliseconds after which a request is given up. */
  timeLimit: number;
}

export type Services = ReturnType<typeof makeServices>;

/** Everything of one signed-in user that lives longer than a component. */
export function makeServices(user: User, server: Server) {
  const toasts = new Toasts();
  const storage = new UserStorage(user.id);
  const settings = new UserStorage(user.id, "localStorage");
  const singleKeys = new Store(settings.read("single-keys", true));
  singleKeys.subscribe(() => settings.write("single-keys", singleKeys.get()));
  const signedOut = new Store(false);
  /** Set when the page goes by itself: what is unsaved then waits in the tab's storage for its user. */
  const leaving = new Store(false);
  const leave = (go: () => void) => {
    leaving.set(true);
    go();
  };
  const connection = connect({
    ...server,
    userId: user.id,
    onSignedOut(reason) {
      if (reason === "other-user") leave(() => location.reload());
      else signedOut.set(true);
    },
    onWait: (seconds) => toasts.show(`The server asks for a pause. Trying again in ${seconds} s…`),
    onSilence: () => toasts.show("No answer yet. Trying again…"),
  });
  const queries = new QueryClient({
    defaultOptions: {
      // The client package repeats what is safe to repeat. Offline is an error like others, and shown.
      queries: { retry: false, networkMode: "always", staleTime: 5_000 },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  const outbox = new Outbox(connection, storage);
  const changes = new Changes(queries, connection);
  const deletions = new Deletions(connection, changes, storage, toasts);
  const edits = new Edits(connection, changes, storage);
  return { user, connection, queries, storage, toasts, outbox, changes, deletions, edits, singleKeys, signedOut, leaving, leave };
}

/** How many tasks were to be saved and are not. */
export function countUnsaved({ outbox, edits }: Pick<Services, "outbox" | "edits">) {
  return outbox.get().length + edits.unsaved().length;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("ServicesContext is missing");
  return services;
}
