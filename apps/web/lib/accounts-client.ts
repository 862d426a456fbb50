import type { Todoward } from "todoward-client";
import { authClient } from "./auth-client";
import { why } from "./failures";
import type { Services } from "./services";

/** Deletes the account and everything in it, here and on the servers. Gives what prevented it. */
export async function deleteAccount({ user, connection, forget }: Services, password: string): Promise<string | undefined> {
  try {
    if (user.guest) {
      // Refused with a token that is older than five minutes.
      connection.renew();
      await connection.client.eraseAccount(user.id);
    }
    const { error } = await (user.guest ? authClient.deleteAnonymousUser() : authClient.deleteUser({ password }));
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

/** Sends what a guest has done and the server has not got, before the tasks go to an account. Gives how to clear the guest's copy. */
export async function sendGuestTasks(client: Todoward): Promise<() => Promise<void>> {
  const { openStore } = await import("todoward-client/sync");
  const store = await openStore({ client });
  try {
    await store.sync();
    // Written by another tab meanwhile.
    while (store.status.pending > 0) await store.sync();
  } catch (error) {
    store.close();
    throw error;
  }
  return () => store.wipe();
}
