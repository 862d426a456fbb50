import "server-only";
import { APIError } from "better-auth/api";
import { backendUrl } from "./server-config";

interface Owner {
  id: string;
  isAnonymous?: boolean | null | undefined;
}

type Sign = (payload: { sub: string; iat: number; isAnonymous: boolean }) => Promise<string>;

/** Tells Todoward what has become of a user, with tokens that this server signs for that. */
export function makeAccounts(sign: Sign) {
  async function bearer({ id, isAnonymous }: Owner) {
    // signJWT sets neither sub nor iat.
    return `Bearer ${await sign({ sub: id, iat: Math.floor(Date.now() / 1000), isAnonymous: isAnonymous === true })}`;
  }

  async function call(path: string, init: RequestInit) {
    const response = await fetch(`${backendUrl().replace(/\/+$/, "")}/api/v1${path}`, { ...init, signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  return {
    /** Everything that the user has. */
    async erase(user: Owner) {
      await call(`/users/${encodeURIComponent(user.id)}`, { method: "DELETE", headers: { Authorization: await bearer(user) } });
    },
    /** Everything of a guest becomes the user's. */
    async adopt(guest: Owner, user: Owner) {
      const headers = { Authorization: await bearer(user), "X-Adopt-Authorization": await bearer({ id: guest.id, isAnonymous: true }) };
      await call("/users/me/adopt", { method: "POST", headers });
    },
  };
}

/** Lets nothing happen to the user unless Todoward has done its part; both can be tried again. */
export async function required(run: Promise<void>, code: string) {
  try {
    await run;
  } catch (error) {
    console.error(`Todoward could not do its part (${code}):`, error);
    throw new APIError("SERVICE_UNAVAILABLE", { code, message: "Todoward can’t be reached. Try again in a moment." });
  }
}
