//! What the layers below say, as answers.

use crate::db::DbError;
use crate::db::tasks::Miss;
use crate::domain::{EntityTag, Fault, ListError};
use crate::error::{ApiError, Code};

const UNKNOWN_OUTCOME: &str = "it is unknown whether the change was made; repeat it with the same Idempotency-Key or If-Match, which makes that safe";

/// The faults of a body.
pub fn invalid_task(faults: Vec<Fault>) -> ApiError {
    ApiError::from_faults(faults, Code::UnknownField, Code::InvalidTask)
}

/// The faults of a query.
pub fn invalid_query(faults: Vec<Fault>) -> ApiError {
    ApiError::from_faults(faults, Code::UnknownParameter, Code::InvalidParameter)
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Faults(faults) => invalid_query(faults),
            ListError::Cursor => Self::new(
                Code::InvalidCursor,
                "the cursor is not one of this list; repeat the sort and filters it came with, or start without it",
            ),
        }
    }
}

impl From<Miss> for ApiError {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::NotFound => task_not_found(),
            Miss::NotOwner => Self::new(Code::NotOwner, "this task is somebody else's"),
            Miss::VersionMismatch(current) => Self::new(
                Code::VersionMismatch,
                "the task has changed since it was read; read it again and repeat the change",
            )
            .with_header("etag", &EntityTag(current).to_string()),
        }
    }
}

/// No task has this id.
pub fn task_not_found() -> ApiError {
    ApiError::new(Code::TaskNotFound, "no task has this id")
}

/// A failure of the database, for a request that reads or writes.
pub fn database(error: DbError, writes: bool) -> ApiError {
    match error {
        DbError::Unavailable(_) => ApiError::new(
            Code::DatabaseUnavailable,
            "the database is unavailable; try again",
        )
        .with_header("retry-after", "1"),
        DbError::OutcomeUnknown(_) => ApiError::new(Code::DatabaseUnavailable, UNKNOWN_OUTCOME)
            .with_header("retry-after", "1"),
        DbError::Overloaded => ApiError::new(
            Code::Overloaded,
            "the server is overloaded; try again later",
        )
        .with_header("retry-after", "1"),
        DbError::TooLate if writes => ApiError::new(Code::DeadlineExceeded, UNKNOWN_OUTCOME),
        DbError::TooLate => ApiError::new(
            Code::DeadlineExceeded,
            "the database took too long; try again",
        ),
        DbError::Bug(_) => ApiError::new(Code::Internal, "an internal error occurred"),
    }
    .with_source(error)
}
