/** Runs once when the server starts: what cannot work shows now, not with the first visitor. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { start } = await import("./lib/start");
  await start();
}
