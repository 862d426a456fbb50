# The commands of every day.

.PHONY: run test e2e check bench schema postgres openapi swagger-ui

# A first look: SQLite, nothing to set up. Built without PostgreSQL, which is
# half of the time that a build takes.
run:
	cargo run --no-default-features -- dev

# All tests, on SQLite and PostgreSQL.
test: postgres
	cargo test --locked

# Against the real Better Auth, from npm; needs Node.js 20. LONG=1 rotates keys
# under load for a minute instead of eight seconds.
e2e: postgres
	cargo build --locked
	cd tests/better-auth && npm ci
	cd tests/better-auth && $(if $(LONG),ROTATIONS=12 ROTATION_SECONDS=5) npm test

# PostgreSQL's binaries, unless they are there or a server is named.
postgres:
	@sh tests/install-postgres.sh

# What CI runs on the code.
check:
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- --deny warnings
	cargo clippy --locked --no-default-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --document-private-items
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check licenses bans sources

# How fast the parts are; benches/load.sh measures the whole, and
# docs/BENCHMARKS.md has the figures.
bench:
	cargo bench --locked

# Migrates the PostgreSQL of DATABASE_URL and writes src/db/schema.rs anew from it.
schema:
	@command -v diesel >/dev/null || cargo install --locked diesel_cli --no-default-features --features postgres
	diesel migration run

# Writes openapi.json anew; a test compares it with the code.
openapi:
	cargo run --locked -- openapi > openapi.json

# Takes another release of Swagger UI into the binary: make swagger-ui VERSION=5.36.0
swagger-ui:
	cd target && npm pack --silent swagger-ui-dist@$(VERSION) && tar xzf swagger-ui-dist-$(VERSION).tgz
	for file in swagger-ui-bundle.js swagger-ui.css; do \
		gzip -9 -n -c target/package/$$file > src/handlers/docs/$$file.gz; done
	cp target/package/LICENSE src/handlers/docs/LICENSE-swagger-ui
	sed -i 's/^[0-9.]* (Apache/$(VERSION) (Apache/' src/handlers/docs/README.md
