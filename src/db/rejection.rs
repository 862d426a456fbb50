//! Why a statement on one row had no effect.

use crate::primitives::field_error::FieldError;

/// The row is not there as it was asked for, or cannot become what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No row has this id, or it is in the trash.
    NotFound,
    /// The row belongs to another owner.
    NotOwner,
    /// The row has another version than the precondition requires: this one.
    VersionMismatch(i64),
    /// A row with this id is there, in this version, or was there.
    Exists(Option<i64>),
    /// The owner has as many rows of a table as one may have.
    QuotaExceeded { table: &'static str, max: i64 },
    /// The body contradicts what is stored.
    Invalid(Vec<FieldError>),
}
