import "server-only";
import { getAuth } from "./auth";
import { checkSettings } from "./server-config";

export async function start() {
  try {
    checkSettings();
  } catch (error) {
    // Thrown from here, Next.js would go on, and answer every request with an error.
    console.error((error as Error).message);
    process.exit(1);
  }
  await getAuth();
}
