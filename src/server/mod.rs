//! The server process: builds the application, serves, drains, stops.

pub mod application;
mod metrics_server;
mod migrate_at_start;
mod purge;
