import path from "node:path";
import type { NextConfig } from "next";
import { PHASE_PRODUCTION_BUILD } from "next/constants";
import { checkAddress } from "./lib/server-config";

checkAddress("TODOWARD_REWRITE");

const target = process.env.TODOWARD_REWRITE?.replace(/\/+$/, "");
const repository = path.join(import.meta.dirname, "../..");

const config: NextConfig = {
  poweredByHeader: false,
  // The client package lies beside this directory, so the build must look from above both.
  outputFileTracingRoot: repository,
  turbopack: { root: repository },
  // libsql chooses its native module by the platform while it runs: no bundler can follow that.
  serverExternalPackages: ["libsql"],
  outputFileTracingIncludes: { "/*": ["./node_modules/libsql/**", "./node_modules/@libsql/**"] },
  // Instead of app/backend, if it is said when the app is built (or `next dev` starts).
  rewrites: async () => {
    const rewrite = { source: "/backend/:path*", destination: `${target}/:path*` };
    return { beforeFiles: target ? [rewrite] : [] };
  },
  // Written into the build, as the rewrite is: so the page knows which variable to name (lib/messages.ts).
  env: { ADDRESS_IN: target ? "TODOWARD_REWRITE" : "TODOWARD_URL" },
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "Referrer-Policy", value: "same-origin" },
        { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=()" },
      ],
    },
  ],
};

export default function forPhase(phase: string): NextConfig {
  // A build is good for `next start` and, with .next/standalone, for a container.
  return phase === PHASE_PRODUCTION_BUILD ? { ...config, output: "standalone" } : config;
}
