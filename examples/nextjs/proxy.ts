import { type NextRequest, NextResponse } from "next/server";
import { backendUrl, foreignOrigin } from "./lib/server-config";

const PREFIX = "/backend";

export function proxy(request: NextRequest) {
  if (request.nextUrl.pathname.startsWith(`${PREFIX}/`)) return passOn(request);
  return withPolicy(request);
}

/** Sends an API request on to Todoward, as it is but for the cookies, which are not its business. */
function passOn(request: NextRequest) {
  const { pathname, search } = request.nextUrl;
  const target = new URL(backendUrl().replace(/\/+$/, "") + pathname.slice(PREFIX.length) + search);
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  return NextResponse.rewrite(target, { request: { headers } });
}

/** Gives a page a nonce; Next.js finds it in the header and puts it on its own scripts. */
function withPolicy(request: NextRequest) {
  const development = process.env.NODE_ENV === "development";
  const nonce = Buffer.from(crypto.randomUUID()).toString("base64");
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    // The development server adds styles without a nonce.
    `style-src 'self' ${development ? "'unsafe-inline'" : `'nonce-${nonce}'`}`,
    `connect-src 'self' ${foreignOrigin() ?? ""}`.trim(),
    "img-src 'self' data:",
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

export const config = { matcher: ["/((?!api/|_next/static|_next/image|icon.svg).*)"] };
