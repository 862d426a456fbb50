//! Why a statement on one row had no effect.

/// The requested row does not exist in the requested form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// No row has this id.
    NotFound,
    /// The row belongs to another owner.
    NotOwner,
    /// The row has another version than the precondition requires: this one.
    VersionMismatch(i64),
}
