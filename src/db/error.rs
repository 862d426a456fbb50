//! Database errors, classified by what the client should do.

use std::fmt;

use diesel::result::{DatabaseErrorKind as Kind, Error};

use super::rejection::Rejection;
use super::statement::Access;

/// Why a statement has no result.
#[derive(Debug)]
pub enum DbError {
    /// The database works, and the request was rejected.
    Rejected(Rejection),
    /// No connection was available in time, or the database cannot work now. Nothing
    /// was written.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// During a write a connection was lost, ours or one behind it, or the disk failed:
    /// the write may or may not have happened.
    OutcomeUnknown(Box<dyn std::error::Error + Send + Sync>),
    /// Too many requests are waiting, or all connections were busy for too long.
    Overloaded,
    /// The statement or the request exceeded its time limit. A write may have happened.
    TooLate(Access),
    /// A statement that can never succeed: a bug.
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

/// Whether what has failed may have had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It had none: the transaction was not committed yet.
    None,
    /// The error says it.
    ByError,
    /// It may have had one, whatever the error says: it came in answer to a COMMIT.
    Unknown,
}

/// Why a function that ran on a connection has failed.
#[derive(Debug)]
pub struct RunError {
    /// What Diesel reports.
    pub error: Error,
    /// Whether it had an effect.
    pub effect: Effect,
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        let effect = Effect::ByError;
        Self { error, effect }
    }
}

/// The classification of a Diesel error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The statement is wrong, whatever the state of the database.
    Bug,
    /// The server is read-only now, a replica; the connection must be discarded.
    ReadOnly,
    /// SQLite reports an I/O error. A commit that was not flushed may be in the WAL and
    /// be recovered after a crash, unless the next write succeeds, which overwrites it.
    /// The connection can be used again.
    DiskFailed,
    /// Another process holds the write lock of the SQLite file. Nothing was changed.
    Locked,
    /// A connection failed. If ours is alive, it was one behind it: of a server that
    /// distributes tables (Citus) or reads foreign ones (postgres_fdw), or of a pooler.
    /// A write that was sent there may have happened.
    ConnectionFailed,
    /// The database refused, and nothing was changed: it is busy, full or damaged, or
    /// found a deadlock. Diesel does not expose PostgreSQL's error codes, and the
    /// messages are in the server's language, so these cases cannot be told apart.
    Refused,
}

/// Classifies an error. Whether the connection is alive only the connection can tell.
pub fn verdict(error: &Error) -> Verdict {
    match error {
        // Diesel does not expose SQLite's error codes, but its messages are fixed.
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
            // Diesel maps these codes of class 08 to the two kinds: 08000, 08001,
            // 08004 and 08006.
            Kind::ClosedConnection | Kind::UnableToSendCommand => Verdict::ConnectionFailed,
            Kind::SerializationFailure | Kind::Unknown => Verdict::Refused,
            // The enum is non-exhaustive.
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
        // The enum is non-exhaustive.
        _ => Verdict::Bug,
    }
}
