//! What the layers below say, as responses.

use crate::db::error::DbError;
use crate::db::rejection::Rejection;
use crate::db::statement::Access;
use crate::primitives::entity_tag::EntityTag;
use crate::primitives::field_error::FieldError;
use crate::primitives::problem::{ApiError, Code};

const UNKNOWN_OUTCOME: &str = "it is unknown whether the change was made; repeat it with the same Idempotency-Key or If-Match, which makes that safe";

/// The faults of a query.
pub fn invalid_query(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownParameter, Code::InvalidParameter)
}

/// What a resource is called in errors.
pub struct Noun {
    /// One of it: "task".
    pub singular: &'static str,
    /// The code of an id that none of it has.
    pub not_found: Code,
}

impl Noun {
    /// None of it has this id.
    pub fn not_found(&self) -> ApiError {
        ApiError::new(self.not_found, format!("no {} has this id", self.singular))
    }

    /// Why nothing came of a statement.
    pub fn failed(&self, error: DbError) -> ApiError {
        match error {
            DbError::Rejected(rejection) => self.rejected(rejection),
            DbError::Unavailable(_)
            | DbError::OutcomeUnknown(_)
            | DbError::Overloaded
            | DbError::TooLate(_)
            | DbError::Bug(_) => unanswered(error),
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
        }
    }
}

/// The database has failed.
fn unanswered(error: DbError) -> ApiError {
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
