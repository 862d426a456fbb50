//! Maps errors of the layers below to responses.

use crate::db::error::DbError;
use crate::db::rejection::Rejection;
use crate::db::statement::Access;
use crate::primitives::entity_tag::EntityTag;
use crate::primitives::field_error::FieldError;
use crate::primitives::problem::{ApiError, Code};

const UNKNOWN_OUTCOME: &str = "it is unknown whether the change was made; repeat it with the same Idempotency-Key or If-Match, which makes that safe";

/// 400: a query with invalid or unknown parameters.
pub fn invalid_query(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownParameter, Code::InvalidParameter)
}

/// The words for a resource in errors.
pub struct Noun {
    /// The singular noun, for instance "task".
    pub singular: &'static str,
    /// The error code of an unknown id.
    pub not_found: Code,
    /// The code of a body that cannot be one of it.
    pub invalid: Code,
}

impl Noun {
    /// 404: no row has this id.
    pub fn not_found(&self) -> ApiError {
        ApiError::new(self.not_found, format!("no {} has this id", self.singular))
    }

    /// Maps a failed statement to a response.
    pub fn failed(&self, error: DbError) -> ApiError {
        match error {
            DbError::Rejected(rejection) => self.rejected(rejection),
            DbError::Unavailable(_)
            | DbError::OutcomeUnknown(_)
            | DbError::Overloaded
            | DbError::TooLate(_)
            | DbError::Bug(_) => database_error(error),
        }
    }

    fn rejected(&self, rejection: Rejection) -> ApiError {
        let noun = self.singular;
        match rejection {
            Rejection::NotFound => self.not_found(),
            Rejection::NotOwner => {
                ApiError::new(Code::NotOwner, format!("this {noun} is somebody else's"))
            }
            Rejection::VersionMismatch(current) => ApiError::new(
                Code::VersionMismatch,
                format!(
                    "the {noun} has changed since it was read; read it again and repeat the change"
                ),
            )
            .with_header("etag", &EntityTag(current).to_string()),
            Rejection::Exists(current) => {
                let detail = format!(
                    "a {noun} with this id is there, in the trash, or was deleted: an id is used once"
                );
                let error = ApiError::new(Code::VersionMismatch, detail);
                match current {
                    Some(current) => error.with_header("etag", &EntityTag(current).to_string()),
                    None => error,
                }
            }
            // A table is named as what is in it.
            Rejection::QuotaExceeded { table, max } => ApiError::new(
                Code::QuotaExceeded,
                format!(
                    "you cannot have more than {max} {table}, those in the trash included; delete some for good"
                ),
            ),
            Rejection::Invalid(errors) => {
                ApiError::from_field_errors(errors, Code::UnknownField, self.invalid)
            }
        }
    }
}

/// Maps an error of the database to a response.
pub fn database_error(error: DbError) -> ApiError {
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
        DbError::TooLate(Access::Write) => ApiError::new(Code::DeadlineExceeded, UNKNOWN_OUTCOME),
        DbError::TooLate(Access::Read) => ApiError::new(
            Code::DeadlineExceeded,
            "the database took too long; try again",
        ),
        DbError::Bug(_) | DbError::Rejected(_) => {
            ApiError::new(Code::Internal, "an internal error occurred")
        }
    }
    .with_source(error)
}
