//! The query of the lists: filters, page, and the cursors of their pages.

use std::fmt::Write as _;

use chrono::DateTime;

use crate::auth::OwnerId;
use crate::primitives::cursor::Seal;
use crate::primitives::field_error::FieldError;
use crate::primitives::id::ResourceId;
use crate::primitives::parameters::Parameters;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;
const ID_BYTES: usize = 16;
/// The first millisecond of the year 10000, since the Unix epoch.
const END_OF_TIME: i64 = 253_402_300_800_000;

const PARAMETERS: [&str; 4] = ["archived", "trash", "limit", "cursor"];

/// A parsed query of `GET /lists`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListsQuery {
    /// Only archived lists, or only those that are not.
    pub archived: Option<bool>,
    /// What is in the trash, the last deleted first; else what is not, in its order.
    pub trash: bool,
    /// The page size: 1 to 200.
    pub limit: u16,
    /// The place that the page begins after; none for the first page.
    pub after: Option<After>,
}

/// A place in the order of the lists: directly after this key and this id.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub key: Key,
    pub id: ResourceId,
}

/// What lists are sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// The position.
    Position(String),
    /// When it went to the trash.
    DeletedAt(Timestamp),
}

/// Why a query is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum QueryError {
    /// Parameters are invalid or unknown.
    InvalidParameters(Vec<FieldError>),
    /// The cursor was not issued for these lists and this owner.
    InvalidCursor,
}

impl From<Vec<FieldError>> for QueryError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::InvalidParameters(errors)
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn is_true(text: &str) -> Option<()> {
    (text == "true").then_some(())
}

/// Parses `limit`, which is refused out of range and never clamped.
fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_LIMIT).contains(&limit).then_some(limit)
}

impl ListsQuery {
    /// Parses the query string; the error lists every invalid parameter.
    pub fn parse(query: &str, owner: &OwnerId) -> Result<Self, QueryError> {
        let given = Parameters::parse(query)?;
        let mut errors = Vec::new();
        let archived = given.one("archived", &mut errors, "must be true or false", truth);
        let trash = given.one("trash", &mut errors, "must be true or false", truth);
        let why = "must be a number from 1 to 200";
        let limit = given.one("limit", &mut errors, why, limit);
        let cursor = given.one("cursor", &mut errors, "", |text| Some(text.to_owned()));
        errors.extend(given.unknown(&PARAMETERS));
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let mut query = Self {
            archived,
            trash: trash.unwrap_or(false),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after: None,
        };
        if let Some(cursor) = cursor {
            let after = query.opened(&cursor, owner);
            query.after = Some(after.ok_or(QueryError::InvalidCursor)?);
        }
        Ok(query)
    }

    /// The filters in canonical form: two queries of the same lists give the same text,
    /// and no list of tasks does.
    fn canonical(&self) -> String {
        let mut text = String::from("lists");
        // Writing to a String cannot fail.
        if let Some(archived) = self.archived {
            let _ = write!(text, "&archived={archived}");
        }
        if self.trash {
            text.push_str("&trash=true");
        }
        text
    }

    /// The query string of the page after a cursor: same filters and limit.
    pub fn next_page(&self, cursor: &str) -> String {
        let canonical = self.canonical();
        let filters = canonical.strip_prefix("lists&").unwrap_or_default();
        let and = if filters.is_empty() { "" } else { "&" };
        format!("{filters}{and}limit={}&cursor={cursor}", self.limit)
    }

    /// The cursor of the page after this place.
    pub fn cursor_after(&self, owner: &OwnerId, last: &After) -> String {
        let mut place = last.id.as_bytes().to_vec();
        match &last.key {
            Key::Position(position) => place.extend(position.as_bytes()),
            Key::DeletedAt(at) => place.extend(at.utc().timestamp_millis().to_be_bytes()),
        }
        let (owner, list) = (owner.as_str(), &*self.canonical());
        Seal { owner, list }.close(&place)
    }

    /// Anybody can compute the checksum of a cursor: what is inside may be anything.
    fn opened(&self, cursor: &str, owner: &OwnerId) -> Option<After> {
        let (owner, list) = (owner.as_str(), &*self.canonical());
        let place = Seal { owner, list }.open(cursor)?;
        let (id, key) = place.split_first_chunk::<ID_BYTES>()?;
        let key = match self.trash {
            true => {
                let millis = i64::from_be_bytes(key.try_into().ok()?);
                let millis = (0..END_OF_TIME).contains(&millis).then_some(millis)?;
                Key::DeletedAt(Timestamp::new(DateTime::from_timestamp_millis(millis)?))
            }
            false => {
                let position = std::str::from_utf8(key).ok()?;
                Key::Position(position::is_position(position).then(|| position.to_owned())?)
            }
        };
        let id = ResourceId::from_bytes(*id);
        Some(After { key, id })
    }
}

/// Parses the query of `DELETE /lists`, which must have `trash=true`, so that a bare
/// `DELETE /lists`, sent by mistake, deletes nothing.
pub fn is_trash(query: &str) -> Result<(), Vec<FieldError>> {
    const WHY: &str = "must be true: nothing else can be deleted at once";
    let parameters = Parameters::parse(query)?;
    let mut errors = Vec::new();
    let trash = parameters.one("trash", &mut errors, WHY, is_true);
    if errors.is_empty() && trash.is_none() {
        errors.push(FieldError::parameter("trash", WHY));
    }
    errors.extend(parameters.unknown(&["trash"]));
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Policy, Verifier, sign_hs256, unix_now};
    use crate::settings::Secret;

    fn alice() -> OwnerId {
        let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
        let token = sign_hs256(&secret, "alice", 60, &Policy::default()).unwrap();
        let verifier = Verifier::new(&[secret], Policy::default());
        verifier.verify(&token, unix_now()).unwrap().owner().clone()
    }

    /// Whether a forged cursor with a correct checksum is accepted.
    fn is_taken(query: &str, key: Key) -> bool {
        let owner = alice();
        let query = ListsQuery::parse(query, &owner).unwrap();
        let id = ResourceId::generate();
        let cursor = query.cursor_after(&owner, &After { key, id });
        query.opened(&cursor, &owner).is_some()
    }

    #[test]
    fn a_forged_cursor_with_a_key_that_no_list_can_have_is_refused() {
        let at = |millis| {
            Key::DeletedAt(Timestamp::new(
                DateTime::from_timestamp_millis(millis).unwrap(),
            ))
        };
        let position = |text: &str| Key::Position(text.to_owned());
        assert!(is_taken("", position("Zz_-09")) && is_taken("", position(&"z".repeat(64))));
        for wrong in ["", "a\0", "é", "a b", "\"", "\\", &"z".repeat(65)] {
            assert!(!is_taken("", position(wrong)), "{wrong:?}");
        }
        assert!(is_taken("trash=true", at(0)) && is_taken("trash=true", at(END_OF_TIME - 1)));
        assert!(!is_taken("trash=true", at(-1)) && !is_taken("trash=true", at(END_OF_TIME)));
        assert!(!is_taken("trash=true", position("a")));
    }
}
