//! Errors of list requests as problem responses.

use super::query::QueryError;
use crate::http::errors::{Noun, invalid_query};
use crate::primitives::field_error::FieldError;
use crate::primitives::problem::{ApiError, Code, OwnCode};

/// 422: a body that is not a valid list, or that only has unknown fields.
pub fn invalid_list(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownField, LIST.invalid)
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::InvalidParameters(errors) => invalid_query(errors),
            QueryError::InvalidCursor => Self::new(
                Code::InvalidCursor,
                "the cursor is not one of these lists; repeat the filters it came with, or start without it",
            ),
        }
    }
}

/// The words for a list in errors, and its error codes.
pub const LIST: Noun = Noun {
    singular: "list",
    not_found: Code::Own(&OwnCode {
        code: "list_not_found",
        status: 404,
        detail: "no list has this id",
        errors: &[],
    }),
    invalid: Code::Own(&OwnCode {
        code: "invalid_list",
        status: 422,
        detail: "name must be 1 to 200 characters",
        errors: &[("/name", "must be 1 to 200 characters")],
    }),
};
