//! The tests of the binary: the real process with its arguments, environment,
//! signals, files and log, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that finds something else than it expects should panic, and says what it measured"
)]

#[expect(dead_code, reason = "the other tests use what these do not")]
#[path = "../api/support/mod.rs"]
mod support;

mod binary;
mod server;
mod storage;

mod accounts;
mod backups;
mod commands;
mod copying;
mod crashes;
mod crashes_of_stories;
mod databases;
mod dev;
mod faults;
mod folding;
mod following;
mod following_kills;
mod following_writes;
mod hostile_claims;
mod interchange;
#[cfg(target_os = "linux")]
mod io_errors;
mod key_server_tls;
mod late_commits;
mod layers;
mod leaks;
mod leaks_of_commands;
mod log_lines;
mod memory;
mod metrics;
mod migrations;
mod notices;
mod outages;
mod purging;
mod read_only;
mod settings;
mod sharding;
mod sqlite_faults;
mod sqlite_files;
mod stopping;
mod streams;
mod tls;
