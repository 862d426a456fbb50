//! The query of `GET /changes`.

use super::cursor::Cursor;
use crate::auth::OwnerId;
use crate::http::errors::invalid_query;
use crate::primitives::parameters::Parameters;
use crate::primitives::problem::{ApiError, Code};

pub const DEFAULT_LIMIT: u16 = 500;
pub const MAX_LIMIT: u16 = 1000;

/// A parsed query of `GET /changes`.
#[derive(Debug)]
pub struct ChangesQuery {
    /// None: everything there is.
    pub since: Option<Cursor>,
    /// The max number of items: 1 to 1,000.
    pub limit: u16,
}

impl ChangesQuery {
    /// Parses the query string; the error lists every invalid parameter.
    pub fn parse(query: &str, owner: &OwnerId) -> Result<Self, ApiError> {
        let given = Parameters::parse(query).map_err(invalid_query)?;
        let mut errors = Vec::new();
        let why = "must be a number from 1 to 1000";
        let limit = given.one("limit", &mut errors, why, limit);
        let since = given.one("since", &mut errors, "", |text| Some(text.to_owned()));
        errors.extend(given.unknown(&["since", "limit"]));
        if !errors.is_empty() {
            return Err(invalid_query(errors));
        }
        let since = match since {
            Some(text) => Some(Cursor::open(&text, owner.as_str()).ok_or_else(invalid_cursor)?),
            None => None,
        };
        Ok(Self {
            since,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_LIMIT).contains(&limit).then_some(limit)
}

/// 400: not a cursor of the caller's changes.
fn invalid_cursor() -> ApiError {
    ApiError::new(
        Code::InvalidCursor,
        "since is not a cursor of your changes; use the next of an earlier response as it is, or start without it",
    )
}
