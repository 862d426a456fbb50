//! The tests of the API: the real application on a free port, on a database of
//! its own, once on SQLite and once on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects should panic"
)]

mod support;

mod addresses;
mod authorization;
mod bodies;
mod concurrency;
mod cors;
mod denial;
mod fields;
mod framing;
mod headers;
mod heads;
mod http;
mod isolation;
mod leaks;
mod lists;
mod model;
mod parameters;
mod targets;
mod tasks;
mod tokens;
mod verifier;
