//! The tasks, in SQLite or PostgreSQL: one repository, one pool, one bridge
//! from asynchronous handlers to blocking statements.
//!
//! Invariants: every function of the repository takes the owner, and ownership
//! stands in the WHERE clause of the statement that reads or writes; the tables
//! are private to this module, so nothing else can even name a column. `copy` and
//! `refold`, which are no requests, take whole rows, each with its owner.

mod at_work;
mod bridge;
mod connection;
mod copy;
mod copy_rows;
mod create;
mod crew;
mod error;
mod hot;
mod id;
#[cfg(feature = "postgres")]
mod indexes;
mod list_statement;
mod migrate;
mod page;
#[cfg(feature = "postgres")]
mod pipelined_rows;
#[cfg(feature = "postgres")]
mod pipelines;
mod placed_file;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_parameters;
mod refold;
mod schema;
mod stand_in;
mod statements;
pub mod tasks;
mod ticket;
mod turns;

pub use bridge::Db;
pub use connection::DbConnection;
pub use copy::{Copied, CopyError, copy};
pub use error::DbError;
pub use migrate::{MigrateError, make_indexes, migrate};
pub(crate) use placed_file::REMOVED;
pub use refold::{Place, refold};
