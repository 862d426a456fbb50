//! The tests of the API: the real application on a free port with its own database,
//! each on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects should panic"
)]

#[expect(dead_code, reason = "the tests of the binary use what these do not")]
mod support;

mod accounts;
mod addresses;
mod authorization;
mod batch;
mod bodies;
mod changes;
mod client_ids;
mod completion_cuts;
mod concurrency;
mod cors;
mod denial;
mod denial_table;
mod fairness;
mod fields;
mod finding;
mod framing;
mod hanging;
mod headers;
mod heads;
mod http;
mod import_limits;
mod interchange;
mod isolation;
mod key_confusion;
mod key_outages;
mod key_rotation;
mod key_sets;
mod leaks;
mod list_order;
mod list_resource;
mod list_trash;
mod lists;
mod metrics;
mod model;
mod openapi;
mod organise;
mod parameters;
mod pipelines;
mod prefixes;
mod proxies;
mod quotas;
mod rate_limits;
mod recurrence;
mod sizes;
mod streams;
mod subtasks;
mod successors;
mod tags;
mod targets;
mod tasks;
mod token_algorithms;
mod token_claims;
mod token_cookies;
mod token_headers;
mod token_hints;
mod token_issuers;
mod token_json;
mod token_oauth;
mod token_signatures;
mod token_structure;
mod token_times;
mod tokens;
mod trash;
mod unknown_outcomes;
mod verifier;
