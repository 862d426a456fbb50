//! Todoward: a tasks API for applications whose users sign in with Better Auth.
//!
//! The modules, from top to bottom. A module uses those below it and never one above;
//! `tests/architecture` checks the `use` lines.
//!
//! ```text
//! cli         the commands
//! server      builds the parts from the settings; starts, drains, stops
//! routes      the one table of endpoints
//! transfer    copies the tables of one database into another
//! accounts    all that an owner has: counted, erased, adopted
//! resources   the one table of resources
//! interchange tasks and lists as files: import and export
//! changes     what has changed of tasks and lists, for clients with a copy
//! batch       many writes in one request, by the handlers of tasks, lists and tags
//! lists       a resource: model, input, query, repository, handlers, openapi
//! tags        the tags of all tasks: listed, renamed, taken off
//! tasks       a resource like lists
//! openapi     the document of the API, made from the table of endpoints
//! http        what surrounds every request
//! health      whether this process should be sent requests
//! db          the engine: statements, worker pool, pipelines, migrations
//! auth        header -> token -> claims -> OwnerId
//! rate_limit, metrics, logging
//! settings    layers -> typed, checked settings
//! primitives  JSON, timestamps, ids, entity tags, field errors, problems
//! ```
//!
//! `docs/ARCHITECTURE.md` has the invariants and their tests.

pub mod accounts;
pub mod auth;
pub mod batch;
pub mod changes;
pub mod cli;
pub mod db;
pub mod health;
pub mod http;
pub mod interchange;
pub mod lists;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod primitives;
pub mod rate_limit;
pub mod resources;
pub mod routes;
pub mod server;
pub mod settings;
pub mod tags;
pub mod tasks;
pub mod transfer;
