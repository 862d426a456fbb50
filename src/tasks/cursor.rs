//! Keyset pagination: a cursor holds the sort key and the id of the last task of a
//! page. The next page begins after it, whatever was inserted or deleted meanwhile.
//!
//! A cursor grants no access: the statement filters by the owner in any case. The
//! checksum only detects a cursor of another list, order or owner, or a damaged
//! one, so that a mistake is an error and not a page of something else. It needs
//! no secret, and so a cursor works across replicas and restarts.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate};

use super::fields::Priority;
use super::model::TaskFields;
use super::query::{ListQuery, SortKey};
use crate::auth::OwnerId;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;

const CHECKSUM_BYTES: usize = 8;
const ID_BYTES: usize = 16;
/// The first millisecond of the year 10000, since the Unix epoch.
const END_OF_TIME: i64 = 253_402_300_800_000;

/// A position in a sorted list: directly after this key and this id.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The value of the sort key.
    pub key: SortValue,
    /// The id, which breaks ties.
    pub id: ResourceId,
}

/// The value of the sort key at a position.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    /// Sorted by creation; the id contains the time.
    CreatedAt,
    /// Sorted by the last change.
    UpdatedAt(Timestamp),
    /// Sorted by due date; tasks without one come last.
    DueDate(Option<NaiveDate>),
    /// Sorted by priority.
    Priority(Priority),
    /// Sorted by the folded title.
    Title(String),
}

impl Position {
    /// The position after a task. `title` is the folded title that the database
    /// sorts by.
    pub fn of(task: &TaskFields<'_>, key: SortKey, title: &str) -> Self {
        let key = match key {
            SortKey::CreatedAt => SortValue::CreatedAt,
            SortKey::UpdatedAt => SortValue::UpdatedAt(Timestamp::of_column(task.updated_at)),
            SortKey::DueDate => SortValue::DueDate(task.due_date),
            SortKey::Priority => SortValue::Priority(Priority::from_rank(task.priority)),
            SortKey::Title => SortValue::Title(title.to_owned()),
        };
        Self { key, id: task.id.0 }
    }
}

impl SortValue {
    /// Encodes a position as base64url: checksum (8 bytes), id (16 bytes), key.
    pub(super) fn encode(owner: &OwnerId, query: &ListQuery, position: &Position) -> String {
        let mut place = position.id.as_bytes().to_vec();
        match &position.key {
            Self::CreatedAt | Self::DueDate(None) => {}
            Self::UpdatedAt(timestamp) => {
                place.extend(timestamp.utc().timestamp_millis().to_be_bytes());
            }
            Self::DueDate(Some(day)) => place.extend(day.num_days_from_ce().to_be_bytes()),
            Self::Priority(priority) => place.extend(priority.rank().to_be_bytes()),
            Self::Title(title) => place.extend(title.as_bytes()),
        }
        let mut bytes = checksum(owner, query, &place).to_vec();
        bytes.extend(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes a cursor; none if it was not issued for this owner and this list.
    pub(super) fn decode(text: &str, owner: &OwnerId, query: &ListQuery) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (sum, place) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        if sum != checksum(owner, query, place) {
            return None;
        }
        let (id, key) = place.split_first_chunk::<ID_BYTES>()?;
        let key = match query.sort.key {
            SortKey::CreatedAt => key.is_empty().then_some(Self::CreatedAt)?,
            SortKey::UpdatedAt => {
                let millis = i64::from_be_bytes(key.try_into().ok()?);
                // Anybody can compute the checksum, and an `i64` can hold times
                // that PostgreSQL cannot store.
                let millis = (0..END_OF_TIME).contains(&millis).then_some(millis)?;
                Self::UpdatedAt(Timestamp::new(DateTime::from_timestamp_millis(millis)?))
            }
            SortKey::DueDate if key.is_empty() => Self::DueDate(None),
            SortKey::DueDate => {
                let days = i32::from_be_bytes(key.try_into().ok()?);
                let day = NaiveDate::from_num_days_from_ce_opt(days)?;
                (1970..=9999).contains(&day.year()).then_some(())?;
                Self::DueDate(Some(day))
            }
            SortKey::Priority => {
                let rank = i16::from_be_bytes(key.try_into().ok()?);
                (0..=3).contains(&rank).then_some(())?;
                Self::Priority(Priority::from_rank(rank))
            }
            SortKey::Title => {
                let title = std::str::from_utf8(key).ok()?;
                Self::Title((!title.contains('\0')).then(|| title.to_owned())?)
            }
        };
        Some(Position {
            key,
            id: ResourceId::from_bytes(*id),
        })
    }
}

fn checksum(owner: &OwnerId, query: &ListQuery, place: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    // Neither an owner id nor a canonical query contains NUL, so NUL separates the
    // three parts unambiguously.
    for part in [
        owner.as_str().as_bytes(),
        query.canonical().as_bytes(),
        place,
    ] {
        context.update(part);
        context.update(&[0]);
    }
    let mut sum = [0; CHECKSUM_BYTES];
    for (to, from) in sum.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Policy, Verifier, sign_hs256, unix_now};
    use crate::settings::Secret;
    use crate::tasks::query::Sort;

    /// Whether a forged cursor with a correct checksum is accepted.
    fn is_taken(sort: SortKey, key: SortValue) -> bool {
        let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
        let token = sign_hs256(&secret, "alice", 60, &Policy::default()).unwrap();
        let verifier = Verifier::new(&[secret], Policy::default());
        let owner = verifier.verify(&token, unix_now()).unwrap().owner().clone();
        let mut query = ListQuery::parse("", &owner).unwrap();
        query.sort = Sort {
            key: sort,
            descending: false,
        };
        let id = ResourceId::generate();
        let text = SortValue::encode(&owner, &query, &Position { key, id });
        SortValue::decode(&text, &owner, &query).is_some()
    }

    #[test]
    fn a_forged_cursor_with_a_key_that_no_task_can_have_is_refused() {
        let at = |millis| {
            SortValue::UpdatedAt(Timestamp::new(
                DateTime::from_timestamp_millis(millis).unwrap(),
            ))
        };
        let due = |year| SortValue::DueDate(NaiveDate::from_ymd_opt(year, 1, 1));
        assert!(is_taken(SortKey::Title, SortValue::Title("a".into())));
        assert!(!is_taken(SortKey::Title, SortValue::Title("a\0b".into())));
        assert!(is_taken(SortKey::DueDate, due(9999)) && is_taken(SortKey::DueDate, due(1970)));
        assert!(!is_taken(SortKey::DueDate, due(1969)) && !is_taken(SortKey::DueDate, due(10_000)));
        assert!(is_taken(SortKey::UpdatedAt, at(END_OF_TIME - 1)));
        assert!(
            !is_taken(SortKey::UpdatedAt, at(-1)) && !is_taken(SortKey::UpdatedAt, at(END_OF_TIME))
        );
    }
}
