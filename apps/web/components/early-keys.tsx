import { headers } from "next/headers";

const KEEP = "addEventListener('keydown',function keep(e){if(!window.earlyKeys)return removeEventListener('keydown',keep);if(!e.ctrlKey&&!e.metaKey&&!e.altKey)earlyKeys.push(e.key)});earlyKeys=[]";

/** The page is seen before its script runs: keys that are pressed until then are kept for it. */
export async function EarlyKeys() {
  const policy = (await headers()).get("content-security-policy") ?? "";
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
  return <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: KEEP }} />;
}
