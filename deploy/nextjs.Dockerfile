# The Next.js example as an image. From the root of the repository:
#
#   docker build --pull -t todoward-web -f deploy/nextjs.Dockerfile .

ARG NODE_VERSION=22
FROM docker.io/library/node:${NODE_VERSION}-bookworm-slim AS build

ENV NEXT_TELEMETRY_DISABLED=1
WORKDIR /src
# The example is built against the client package beside it, which npm builds.
COPY clients/typescript clients/typescript
COPY apps/web/package.json apps/web/package-lock.json apps/web/.npmrc apps/web/
RUN npm ci --prefix apps/web
COPY apps/web apps/web
# Next.js leaves it to a CDN, or to us, to put these beside the server.
WORKDIR /src/apps/web
RUN npm run build \
    && mkdir -p public /data/data \
    && cp -r .next/static .next/standalone/apps/web/.next/static \
    && cp -r public .next/standalone/apps/web/public

FROM docker.io/library/node:${NODE_VERSION}-bookworm-slim

WORKDIR /app
COPY --from=build /src/apps/web/.next/standalone ./
# Better Auth's SQLite: a volume belongs here.
COPY --from=build --chown=1000:1000 /data /
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1 \
    HOSTNAME=0.0.0.0 \
    PORT=3000 \
    AUTH_DATA_DIR=/data
EXPOSE 3000
USER 1000:1000
CMD ["node", "apps/web/server.js"]
