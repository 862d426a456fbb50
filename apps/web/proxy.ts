import { type NextRequest, NextResponse } from "next/server";
import { foreignOrigin } from "./lib/server-config";

/** Gives a page a nonce; Next.js finds it in the header and puts it on its own scripts. */
export function proxy(request: NextRequest) {
  const development = process.env.NODE_ENV === "development";
  const nonce = Buffer.from(crypto.randomUUID()).toString("base64");
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    // The development server adds styles without a nonce.
    `style-src 'self' ${development ? "'unsafe-inline'" : `'nonce-${nonce}'`}`,
    `connect-src 'self' ${foreignOrigin() ?? ""}`.trim(),
    "img-src 'self' data:",
    // 'strict-dynamic' would not let it start.
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

export const config = { matcher: ["/((?!api/|backend/|_next/static|_next/image|icon.svg|icons/|apple-icon|sw.js|manifest.webmanifest).*)"] };
