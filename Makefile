# The commands of every day.

.PHONY: run test batch-suite e2e e2e-better-auth e2e-client e2e-postman e2e-openapi e2e-browser e2e-recurrence e2e-formats e2e-packages packages packages-test binary better-auth client check-deploy chaos soak upgrade fuzz mutants image image-test sbom check check-generated generate openapi client-types schema postgres bench swagger-ui

# A first look: SQLite, nothing to set up. Built without PostgreSQL, which is
# half of the time that a build takes.
run:
	cargo run --no-default-features -- dev

# All tests, on SQLite and PostgreSQL.
test: postgres
	cargo test --locked

# The tests of the API with every write in a batch of one, atomic and not.
batch-suite: postgres
	for mode in atomic single; do \
		TODOWARD_TEST_BATCH=$$mode cargo test --locked --test api || exit 1; \
	done

# End to end, against the real ones: Better Auth, newman, a browser. Needs Node.js
# 22.18 and Python 3. LONG=1 rotates keys under load for a minute instead of eight
# seconds, makes up requests for longer, and compares more rules.
e2e: e2e-better-auth e2e-client e2e-postman e2e-openapi e2e-browser e2e-recurrence e2e-formats e2e-packages

# Tokens and keys of the real Better Auth, from npm: of the newest release, and of the
# oldest line that docs/BETTER_AUTH.md promises to work with.
e2e-better-auth: binary postgres better-auth client
	cd tests/better-auth && npm ci --prefix oldest
	cd tests/better-auth && $(if $(LONG),ROTATIONS=12 ROTATION_SECONDS=5) npm test
	cd tests/better-auth && npm run test:oldest

# The TypeScript client: its tests, and that its types are those of openapi.json.
e2e-client: binary postgres better-auth client
	cd clients/typescript && npm run generate:check && npm test

# The Postman collection, by newman.
e2e-postman: binary postgres better-auth
	cd tests/postman && npm ci && npm test

# openapi.json: linters, clients that generators make of it, and random requests
# by schemathesis.
e2e-openapi: binary postgres
	cd tests/openapi && npm ci && npm test
	$(if $(LONG),SECONDS_EACH=900) tests/schemathesis/run

# The app: its unit tests, and its pages, clicked through in Chromium.
e2e-browser: binary client
	cd apps/web && npm ci && npm test && npm run build
	cd tests/browser && npm ci && npm test

# Dates of rules by python-dateutil and ical.js, instants by Python's zoneinfo.
e2e-recurrence:
	cd tests/recurrence && npm ci
	$(if $(LONG),RULES=20000 CHANGES=0) tests/recurrence/compare

# Exported files, read by Python's icalendar and csv and by pytodotxt.
e2e-formats: binary
	tests/formats/compare

# The packages of npm and Debian, of this build: packed, installed, and run.
e2e-packages: binary target/tools/bin/cargo-deb
	strip -o target/test-binary target/debug/todoward
	PATH=$$PWD/target/tools/bin:$$PATH OUT=target/test-packages FAST=1 packaging/pack $(PLATFORM)=target/test-binary
	cd tests/packages && npm test

# What the tests above need: the binary, Better Auth's packages, and the built client.
binary:
	cargo build --locked

better-auth:
	cd tests/better-auth && npm ci

client:
	cd clients/typescript && npm ci

# The files of deploy/: checked against their schemas, and used, with nginx and Caddy.
check-deploy: binary postgres better-auth
	tests/deploy/manifests
	cd tests/deploy && npm ci && npm test

# Faults: replicas replaced under load, poolers, failovers, crashes. ROUNDS=20 for
# longer. Needs nginx, haproxy, pgbouncer, etcd; docs/RELIABILITY.md has the figures.
chaos: binary postgres better-auth
	cd tests/reliability && npm test

# Half an hour of load, or MINUTES, in which memory must not grow.
soak: postgres better-auth
	cargo build --release --locked
	cd tests/reliability && TODOWARD_BIN=../../target/release/todoward npm run soak

# Migrates 1,000,000 tasks, or TASKS, while an older binary, PREVIOUS, serves them.
# SQLite (DATABASES=postgres,sqlite) needs the program sqlite3.
upgrade: binary postgres
	cd tests/reliability && PREVIOUS=$(abspath $(PREVIOUS)) npm run upgrade

# Random bytes for all that parses requests: each target of fuzz/ for 200 seconds, or
# SECONDS_EACH. Needs a C++ compiler. cargo-fuzz uses flags of nightly, which
# RUSTC_BOOTSTRAP makes a stable compiler accept.
fuzz: target/tools/bin/cargo-fuzz
	for target in $(or $(TARGETS),bearer body conditions cursor folding import query); do \
		RUSTC_BOOTSTRAP=1 PATH=$$PWD/target/tools/bin:$$PATH cargo fuzz run --fuzz-dir fuzz $$target -- \
			-dict=fuzz/dictionaries/$$target -max_total_time=$(or $(SECONDS_EACH),200) -timeout=10 -print_final_stats=1 || exit 1; \
	done

# Mutation tests: each fault that is put into the code of tokens and owned rows must make
# a test fail. Takes hours. OPTIONS="--re auth/token" for one file, OPTIONS="--shard 1/8" for a part;
# .cargo/mutants.toml says which files and tests.
mutants: target/tools/bin/cargo-mutants postgres
	CARGO_PROFILE_DEV_DEBUG=0 MODEL_OPERATIONS=300 PATH=$$PWD/target/tools/bin:$$PATH \
		cargo mutants --output target $(OPTIONS)

target/tools/bin/cargo-%:
	cargo install --root target/tools --locked cargo-$*

# The container image; docs/DEPLOY.md runs it.
image:
	docker build --pull -t todoward --build-arg REVISION=$$(git rev-parse HEAD) .

# Builds the image and runs it: as root, with buildah. Not a part of CI, because the
# build is long.
image-test:
	tests/deploy/image

# The packages of npm and Debian, in target/packages: of a release build for this
# machine, or of BINARIES="linux-x64=… darwin-arm64=…", all that a release has.
# CONTRIBUTING.md has the rest of a release.
packages: target/tools/bin/cargo-deb
	$(if $(BINARIES),,cargo build --release --locked)
	PATH=$$PWD/target/tools/bin:$$PATH packaging/pack $(or $(BINARIES),$(PLATFORM)=target/release/todoward)

# Installs the Debian package into a system of its own and boots that: as root, with
# debootstrap and systemd-container. Not a part of CI, because it takes minutes.
packages-test:
	tests/packages/debian $(SUITE)

# As npm names this machine.
PLATFORM = $(shell node -p 'process.platform + "-" + process.arch')


# Every crate of the server as CycloneDX, in target/sbom.
sbom:
	deploy/sbom

# Installs PostgreSQL's binaries, unless they are there or TEST_DATABASE_URL names a server.
postgres:
	@sh tests/install-postgres.sh

# What CI runs on the code.
check: check-generated
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --all-targets -- --deny warnings
	cargo clippy --locked --no-default-features -- --deny warnings
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --document-private-items
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check licenses bans sources

# How fast the parts are, and the whole beside axum, FastAPI and pgbench: about 15
# minutes. Needs wrk, openssl and Python 3.11; docs/BENCHMARKS.md has the figures.
bench:
	cargo bench --locked
	python3 benches/compare

# src/db/schema.rs, from the PostgreSQL of DATABASE_URL, which it migrates.
schema:
	@command -v diesel >/dev/null || cargo install --locked diesel_cli --no-default-features --features postgres
	diesel migration run

# Writes all generated files anew. src/db/schema.rs needs the PostgreSQL of DATABASE_URL,
# and stays as it is where none is named.
generate: client-types $(if $(DATABASE_URL),schema)

# openapi.json, from the table of endpoints.
openapi:
	cargo run --locked -- openapi > target/openapi.json
	mv target/openapi.json openapi.json

# clients/typescript/src/schema.ts, from openapi.json.
client-types: openapi client
	cd clients/typescript && npm run generate

# Fails if openapi.json or the client's types are not what `make generate` writes; a
# test compares src/db/schema.rs with the migrated tables. Needs Node.js.
check-generated: client
	cargo run --locked --quiet -- openapi | diff openapi.json -
	cd clients/typescript && npm run generate:check

# Takes another release of Swagger UI into the binary: make swagger-ui VERSION=5.36.0
swagger-ui:
	cd target && npm pack --silent swagger-ui-dist@$(VERSION) && tar xzf swagger-ui-dist-$(VERSION).tgz
	for file in swagger-ui-bundle.js swagger-ui.css; do \
		gzip -9 -n -c target/package/$$file > src/openapi/docs/$$file.gz; done
	cp target/package/LICENSE src/openapi/docs/LICENSE-swagger-ui
	sed -i 's/^[0-9.]* (Apache/$(VERSION) (Apache/' src/openapi/docs/README.md
