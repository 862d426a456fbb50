//! The database engine, for SQLite and PostgreSQL: a bridge from asynchronous handlers
//! to a pool of connections, pipelines beside it, and migrations.
//!
//! It knows owners and no resource. A table is named only by the resource that it
//! belongs to, in its repository, and by the command in `transfer`.

pub(crate) mod active_pool;
pub mod any_table;
pub mod assembled;
pub mod bridge;
pub mod change;
pub mod changed;
pub mod column;
pub mod connection;
pub mod copying;
mod epoch;
pub mod erase;
pub mod error;
pub(crate) mod file_identity;
pub mod forget;
pub mod id;
pub mod idempotency;
#[cfg(feature = "postgres")]
mod indexes;
mod job_claim;
pub mod migrate;
pub mod new_rows;
pub mod notices;
pub mod numbering;
pub mod older;
pub mod open_transaction;
pub mod order;
pub mod owned;
pub mod owned_table;
mod owner_limiter;
#[cfg(feature = "postgres")]
pub(crate) mod pipelines;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_parameters;
pub mod purge;
pub mod quota;
pub mod reassign;
pub mod rejection;
pub mod replica_lock;
pub(crate) mod schema;
#[cfg(feature = "postgres")]
mod shared_sessions;
mod stand_in;
pub mod statement;
pub mod stored;
pub mod table;
pub mod watchers;
mod worker_pool;

pub use worker_pool::Progress;
