//! Todoward: a tasks backend for people who sign their users in with Better Auth.
//!
//! The way of a request:
//!
//! ```text
//! routes -> auth (middleware) -> handlers -> domain (parse) -> db (repository) -> back
//! ```
//!
//! `docs/ARCHITECTURE.md` has the map, the invariants and the tests that hold them.

pub mod app;
mod at_start;
pub mod auth;
pub mod cli;
pub mod db;
pub mod domain;
pub mod error;
pub mod handlers;
pub mod health;
pub mod json;
pub mod logging;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod rate_limit;
pub mod routes;
pub mod settings;
