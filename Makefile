# The commands of every day.

.PHONY: run test e2e check bench schema postgres

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
