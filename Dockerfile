# The server as an image: one binary, the C library and the certificates of
# public authorities; no shell, no package manager. docs/DEPLOY.md says how to
# run it.
#
#   docker build --pull -t todoward .

ARG RUST_VERSION=1.95
FROM docker.io/library/rust:${RUST_VERSION}-slim-bookworm AS build

# What the builds of OpenSSL and libpq need. Not pinned: Debian keeps only the
# newest release of a package, and that is the one to have.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates make perl \
    && rm -rf /var/lib/apt/lists/*

# OpenSSL writes the time of its build into itself, if nobody names another.
ENV SOURCE_DATE_EPOCH=0
WORKDIR /src

# The dependencies are a layer of their own, which only these files
# make anew.
COPY Cargo.toml Cargo.lock ./
COPY .cargo/config.toml .cargo/config.toml
RUN mkdir src benches \
    && touch src/lib.rs benches/parts.rs benches/tokens.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked

COPY config config
COPY migrations migrations
COPY src src
# Touched, or Cargo takes the files, which are older than the stubs, for built.
RUN touch src/lib.rs src/main.rs && cargo build --release --locked

# The file system of the image. The status of Debian's packages lets scanners
# see what is in it.
COPY LICENSE /image/usr/share/doc/todoward/LICENSE
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN install -D target/release/todoward /image/usr/local/bin/todoward \
    && ldd target/release/todoward | grep -o '/lib[^ ]*' | xargs cp -L --parents -t /image \
    && cp -L --parents -t /image /etc/ssl/certs/ca-certificates.crt /etc/os-release \
    && mkdir -p /image/var/lib/dpkg/status.d \
    && for package in ca-certificates libc6 libgcc-s1; do \
        cp --parents -t /image "/usr/share/doc/$package/copyright" \
        && dpkg-query --status "$package" > "/image/var/lib/dpkg/status.d/$package"; \
    done \
    && echo 'todoward:x:65532:65532::/:/sbin/nologin' > /image/etc/passwd \
    && echo 'todoward:x:65532:' > /image/etc/group \
    && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
    && mkdir -p /data/data

FROM scratch

COPY --from=build /image /
# For SQLite, if nothing else is said: a volume belongs here.
COPY --from=build --chown=65532:65532 /data /

# SQLite needs a place for temporary files. The metrics are for other containers:
# port 9090 is not to be published, so it is not exposed. Where the kernel's huge
# pages are always on, they would double the memory for no speed.
ENV PATH=/usr/local/bin \
    SQLITE_TMPDIR=/data \
    DATABASE_URL=sqlite:///data/todoward.db \
    HOST=0.0.0.0 \
    TODOWARD__METRICS__HOST=0.0.0.0 \
    TODOWARD__SERVER__DRAIN_DELAY=5 \
    MIMALLOC_ALLOW_THP=0
EXPOSE 8080
USER 65532:65532
WORKDIR /
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["todoward", "healthcheck"]
ENTRYPOINT ["todoward"]
CMD ["serve"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Todoward" \
      org.opencontainers.image.description="A tasks API for people who sign their users in with Better Auth" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
