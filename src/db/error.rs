//! What can go wrong below the repository, sorted by what the client should do.

use std::fmt;

use diesel::result::{DatabaseErrorKind as Kind, Error};

use super::rejection::Rejection;
use super::statement::Access;

/// Why nothing came of a statement.
#[derive(Debug)]
pub enum DbError {
    /// The database works, and the answer is no.
    Rejected(Rejection),
    /// No connection could be had in time, or the database cannot work now.
    /// Nothing was written.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A connection was lost, ours or one of the database's own, or the disk failed,
    /// while a write was under way: it may have happened or not.
    OutcomeUnknown(Box<dyn std::error::Error + Send + Sync>),
    /// Too many requests wait already, or all connections were busy for too long.
    Overloaded,
    /// The statement, or the request, took too long. A write may have happened.
    TooLate(Access),
    /// A bug: a statement that cannot succeed.
    Bug(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "rejected: {rejection:?}"),
            Self::Unavailable(cause) => write!(f, "the database is unavailable: {cause}"),
            Self::OutcomeUnknown(cause) => {
                write!(f, "the outcome of a write is unknown: {cause}")
            }
            Self::Overloaded => f.write_str("all connections are busy"),
            Self::TooLate(_) => f.write_str("the database took too long"),
            Self::Bug(cause) => write!(f, "a statement failed: {cause}"),
        }
    }
}

impl std::error::Error for DbError {}

/// What an error of a statement says about the statement and its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Our statement is wrong, whatever the state of the database.
    Bug,
    /// The server is a replica now; the connection must go.
    ReadOnly,
    /// SQLite's disk failed. A commit that could not be flushed may lie in the
    /// log and be found there after a crash, unless the next write, which goes
    /// to the same place, succeeds. The connection is as good as a new one.
    DiskFailed,
    /// Another process writes to SQLite's file. Nothing was changed.
    Locked,
    /// A connection failed. If ours lives it was one behind it: that of a server
    /// which spreads tables over others, or reads foreign ones, or of a pooler. A
    /// write that had gone there may have happened.
    ConnectionFailed,
    /// The database refused, and nothing was changed: it is busy, full, damaged,
    /// found a deadlock. PostgreSQL's codes are not to be had from Diesel, and
    /// its messages come in the server's language, so they are all one.
    Refused,
}

/// Sorts an error. Whether the connection lives must be asked of the connection.
pub fn verdict(error: &Error) -> Verdict {
    match error {
        // SQLite's messages come in one language, and its codes not at all.
        Error::DatabaseError(Kind::Unknown, cause) if cause.message() == "disk I/O error" => {
            Verdict::DiskFailed
        }
        Error::DatabaseError(Kind::Unknown, cause) if cause.message() == "database is locked" => {
            Verdict::Locked
        }
        Error::DatabaseError(kind, _) => match kind {
            Kind::UniqueViolation
            | Kind::ForeignKeyViolation
            | Kind::RestrictViolation
            | Kind::NotNullViolation
            | Kind::CheckViolation
            | Kind::ExclusionViolation => Verdict::Bug,
            Kind::ReadOnlyTransaction => Verdict::ReadOnly,
            // Of class 08 Diesel tells apart what such servers send: 08000, 08001,
            // 08004 and 08006.
            Kind::ClosedConnection | Kind::UnableToSendCommand => Verdict::ConnectionFailed,
            Kind::SerializationFailure | Kind::Unknown => Verdict::Refused,
            // The enum is open for extension.
            _ => Verdict::Refused,
        },
        Error::BrokenTransactionManager
        | Error::RollbackErrorOnCommit { .. }
        | Error::RollbackTransaction => Verdict::Refused,
        Error::InvalidCString(_)
        | Error::NotFound
        | Error::QueryBuilderError(_)
        | Error::DeserializationError(_)
        | Error::SerializationError(_)
        | Error::AlreadyInTransaction
        | Error::NotInTransaction
        | Error::IntegerConversion(_) => Verdict::Bug,
        // The enum is open for extension.
        _ => Verdict::Bug,
    }
}
