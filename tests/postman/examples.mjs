// Records the saved examples anew: each request that has one gets the answer of
// the real server.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { serveReady } from "../better-auth/support/todoward.mjs";
import { COLLECTION_FILE, collection, requests, run } from "./support/collection.mjs";
import { ORIGIN, SECRET, command, expired } from "./support/tokens.mjs";

/** The headers that an example shows; all others are on every response. */
const SHOWN =
  /^(content-type|content-disposition|etag|location|link|allow|accept-patch|idempotency-replayed|www-authenticate|access-control-.*)$/i;

const isJson = (answer) => /json$/.test((answer.headers.get("content-type") ?? "json").split(";")[0].replace("x-ndjson", ""));

/** JSON is shown indented. Of a file only the last line is: the others have what the story has left. */
const shown = (answer, text) =>
  isJson(answer) ? JSON.stringify(JSON.parse(text), null, 2) : text.trim().split("\n").at(-1);

test("examples", async (t) => {
  const server = await serveReady(t, {
    BETTER_AUTH_SECRET: SECRET,
    TODOWARD__CORS__ALLOWED_ORIGINS: ORIGIN,
  });
  const { failures, answers } = await run({
    base_url: server.url,
    origin: ORIGIN,
    token: command("alice"),
    token2: command("bob"),
    expired_token: await expired(),
  });
  assert.deepEqual(failures, []);
  for (const { item } of requests()) {
    if (item.response.length === 0) continue;
    const answer = answers.get(item.id);
    const text = answer.text();
    const { auth, description, ...originalRequest } = item.request;
    item.response = [
      {
        id: item.response[0].id,
        name: `${answer.code} ${answer.reason()}`,
        originalRequest,
        status: answer.reason(),
        code: answer.code,
        _postman_previewlanguage: isJson(answer) ? "json" : "text",
        header: answer.headers.all().filter(({ key }) => SHOWN.test(key)).map(({ key, value }) => ({ key, value })),
        cookie: [],
        body: text && shown(answer, text),
      },
    ];
  }
  writeFileSync(COLLECTION_FILE, `${JSON.stringify(collection, null, 2)}\n`);
});
