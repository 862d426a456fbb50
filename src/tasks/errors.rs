//! What is wrong with a request for tasks, as responses.

use super::query::ListError;
use crate::db::error::DbError;
use crate::http::errors::{Noun, invalid_query};
use crate::primitives::field_error::FieldError;
use crate::primitives::problem::{ApiError, Code};

/// The faults of a body.
pub fn invalid_task(faults: Vec<FieldError>) -> ApiError {
    ApiError::from_faults(faults, Code::UnknownField, Code::InvalidTask)
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Faults(faults) => invalid_query(faults),
            ListError::SortValue => Self::new(
                Code::InvalidCursor,
                "the cursor is not one of this list; repeat the sort and filters it came with, or start without it",
            ),
        }
    }
}

/// What tasks are called in errors.
const TASK: Noun = Noun {
    singular: "task",
    not_found: Code::TaskNotFound,
};

/// Why nothing came of a statement.
pub fn failed(error: DbError) -> ApiError {
    TASK.failed(error)
}

/// No task has this id.
pub fn task_not_found() -> ApiError {
    TASK.not_found()
}
