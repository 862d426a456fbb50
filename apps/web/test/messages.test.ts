import assert from "node:assert/strict";
import { test } from "node:test";
import { explainSync } from "../lib/messages.ts";

const ORIGIN = "http://127.0.0.1:3000";
Object.assign(globalThis, { location: { origin: ORIGIN } });
process.env.ADDRESS_IN = "TODOWARD_URL";

const explained = (state: "offline" | "error" | "synced" | "syncing", error: string, { online = true, baseUrl = "/backend" } = {}) =>
  explainSync({ state, error, pending: 0, leader: true }, online, baseUrl);

test("what is in step, or soon will be, needs no words", () => {
  assert.equal(explained("synced", ""), null);
  assert.equal(explained("syncing", ""), null);
});

test("an outage names the variable that says where Todoward is", () => {
  const error = "TodowardUnreachable: GET /backend/api/v1/changes: no response";
  assert.match(explained("offline", error)?.text ?? "", /Can’t reach Todoward/);
  assert.match(explained("offline", error)?.hint ?? "", /TODOWARD_URL says/);
  const direct = explained("offline", error, { baseUrl: "https://tasks.example.com" });
  assert.match(direct?.hint ?? "", /NEXT_PUBLIC_TODOWARD_URL/);
  assert.match(direct?.hint ?? "", new RegExp(`ALLOWED_ORIGINS name ${ORIGIN}`));
  assert.equal(explained("offline", error, { online: false })?.hint, undefined);
});

test("a wrong address, a wrong issuer and a silent sign-in server are told apart", () => {
  assert.match(explained("error", "TodowardUnreachable: GET /x: not Todoward’s")?.text ?? "", /Something other than Todoward/);
  assert.match(explained("error", "TodowardProblem: GET /x: 404 no_such_address: …")?.text ?? "", /Something other than Todoward/);
  const issuer = explained("error", "TodowardProblem: GET /x: 401 invalid_claims: the issuer differs");
  assert.match(issuer?.text ?? "", /doesn’t accept your sign-in/);
  assert.match(issuer?.hint ?? "", new RegExp(`BETTER_AUTH_URL=${ORIGIN}`));
  assert.match(explained("error", "FrontendUnreachable: no token")?.text ?? "", /sign-in server isn’t responding/);
});
