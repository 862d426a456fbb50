//! Errors of task requests as problem responses.

use super::query::ListError;
use crate::http::errors::{Noun, invalid_query};
use crate::primitives::field_error::FieldError;
use crate::primitives::problem::{ApiError, Code, OwnCode};

/// 422: a body that is not a valid task, or that only has unknown fields.
pub fn invalid_task(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownField, TASK.invalid)
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::InvalidParameters(errors) => invalid_query(errors),
            ListError::InvalidCursor => Self::new(
                Code::InvalidCursor,
                "the cursor is not one of this list; repeat the sort and filters it came with, or start without it",
            ),
        }
    }
}

/// The words for a task in errors, and its error codes.
pub const TASK: Noun = Noun {
    singular: "task",
    not_found: Code::Own(&OwnCode {
        code: "task_not_found",
        status: 404,
        detail: "no task has this id",
        errors: &[],
    }),
    invalid: Code::Own(&OwnCode {
        code: "invalid_task",
        status: 422,
        detail: "title must be 1 to 1,000 characters",
        errors: &[
            ("/title", "must be 1 to 1,000 characters"),
            ("/colour", "is not a field that can be set here"),
        ],
    }),
};
