import type { Rejection, Store } from "todoward-client/sync";
import { authClient } from "./auth-client";
import { why } from "./failures";
import { forgetShell } from "./service-worker";
import type { Services } from "./services";
import { SharedList } from "./shared-list";
import { type AuthFault, authenticate, type Credentials, EXISTS } from "./sign-in";
import { UserStorage } from "./storage";
import { connect } from "./todoward";
import { DISAGREEMENTS, type Refusal, refusalOf, REFUSALS } from "./undecided";

/** Deletes the account and everything in it, here and on the servers. Gives what prevented it. */
export async function deleteAccount({ user, connection, forget }: Services, password: string): Promise<string | undefined> {
  try {
    if (user.guest) {
      // Refused with a token that is older than five minutes.
      connection.renew();
      await (await connection.client()).eraseAccount(user.id);
      // There is nothing left to sync, and soon nobody to sync as.
      await forget();
      await authClient.deleteAnonymousUser();
      return undefined;
    }
    const { error } = await authClient.deleteUser({ password });
    if (error) return inWords(error);
  } catch (error) {
    return why(error);
  }
  await forget();
  return undefined;
}

function inWords({ code, status, message }: { code?: string | undefined; status: number; message?: string | undefined }): string {
  if (code === "INVALID_PASSWORD") return "That password isn’t right.";
  if (code === "SESSION_EXPIRED" || status === 401) return "You’ve been signed out. Sign in again, then delete the account.";
  if (status === 429) return "Too many attempts. Wait a few seconds, then try again.";
  if (code === "TASKS_NOT_ERASED") return "Your tasks couldn’t be deleted because Todoward can’t be reached, so nothing was deleted. Try again in a moment.";
  return message ?? "The account couldn’t be deleted. Try again.";
}

export interface Guest {
  id: string;
  /** Where the browser finds Todoward, and milliseconds after which a request is given up. */
  baseUrl: string;
  timeLimit: number;
}

/** Signs a guest in, or up. The tasks come along, also those that had not been sent. */
export async function authenticateGuest(mode: "sign-in" | "sign-up", given: Credentials, guest: Guest): Promise<string | AuthFault> {
  let clear: () => Promise<void>;
  try {
    clear = await sendTasks(guest);
  } catch (error) {
    if ((error as Error).name === "SignedOut") return { text: "Your guest session has ended, so its tasks can’t be moved to your account. Reload the page to go on without them." };
    return { text: "Your tasks can’t be moved to your account right now because Todoward can’t be reached. They’re still here. Try again in a moment." };
  }
  let result = await authenticate(mode, given);
  // An attempt before this one may have made the account, and failed to take the tasks along.
  if (result === EXISTS) {
    const again = await authenticate("sign-in", given);
    if (typeof again === "string" || again.field === undefined) result = again;
  }
  if (typeof result !== "string") return result;
  bringAlong(guest.id, result);
  await clear().catch((error: unknown) => console.error(error));
  await forgetShell();
  return result;
}

/** What is kept beside the tasks. */
function bringAlong(guestId: string, userId: string) {
  const [from, to] = [new UserStorage(guestId, "localStorage"), new UserStorage(userId, "localStorage")];
  for (const name of [REFUSALS, DISAGREEMENTS, "settings", "collapsed"]) {
    if (to.read<unknown>(name, undefined) === undefined) to.write(name, from.read<unknown>(name, undefined));
  }
  from.clear();
}

/** Sends what is only on this device so far. Gives what takes it off this device. */
async function sendTasks({ id, baseUrl, timeLimit }: Guest): Promise<() => Promise<void>> {
  const { openStore } = await import("todoward-client/sync");
  const client = await connect({ baseUrl, timeLimit, userId: id, onSignedOut: () => undefined }).client();
  const refusals = new SharedList<Refusal>(new UserStorage(id, "localStorage"), REFUSALS);
  const onRejected = (rejection: Rejection) => refusals.add(refusalOf(rejection, undefined));
  let store: Store;
  try {
    store = await openStore({ client, onRejected });
  } catch {
    // This browser stores nothing: there is nothing to send.
    return async () => undefined;
  }
  try {
    // Another tab may go on writing.
    do await store.sync();
    while (store.status.pending > 0);
  } catch (error) {
    store.close();
    throw error;
  }
  return () => store.wipe();
}
