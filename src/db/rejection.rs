//! Why a statement on one row of an owner's did nothing.

/// The row is not there as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// No row has this id.
    NotFound,
    /// The row is somebody else's.
    NotOwner,
    /// The row is the owner's and in another version: this one.
    VersionMismatch(i64),
}
