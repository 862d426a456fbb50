//! Keyset pagination: a cursor holds the sort values and the id of the last task of a
//! page. The next page begins after it, whatever was inserted or deleted meanwhile.

use super::columns::{ColumnValue, Kind, SortedRow};
use super::query::ListQuery;
use super::sort::Sort;
use crate::auth::OwnerId;
use crate::primitives::cursor::Seal;
use crate::primitives::id::ResourceId;

const ID_BYTES: usize = 16;

/// A position in a sorted list: directly after the row with these values.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The values of [`Sort::columns`], in their order; none is NULL.
    pub values: Vec<Option<ColumnValue>>,
    /// The id, which breaks ties.
    pub id: ResourceId,
}

impl Position {
    /// The position after a row.
    pub fn of(row: &SortedRow<'_>, sort: &Sort) -> Self {
        let columns = sort.columns();
        let values = columns.iter().map(|by| by.column.value(row));
        Self {
            values: values.collect(),
            id: row.fields.id.0,
        }
    }

    /// Encodes a position as base64url: checksum (8 bytes), id (16 bytes), values.
    pub(super) fn encode(&self, owner: &OwnerId, query: &ListQuery) -> String {
        let mut place = self.id.as_bytes().to_vec();
        for value in &self.values {
            write(&mut place, value.as_ref());
        }
        seal(owner, &query.canonical()).close(&place)
    }

    /// Decodes a cursor; none if it was not issued for this owner and this list. Anybody
    /// can compute the checksum, so no value passes that the databases cannot store.
    pub(super) fn decode(text: &str, owner: &OwnerId, query: &ListQuery) -> Option<Self> {
        let place = seal(owner, &query.canonical()).open(text)?;
        let (id, mut rest) = place.split_first_chunk::<ID_BYTES>()?;
        let mut values = Vec::new();
        for by in query.sort.columns() {
            let value = read(&mut rest, by.column.kind)?;
            if value.is_none() && !by.column.is_nullable {
                return None;
            }
            values.push(value);
        }
        rest.is_empty().then_some(Self {
            values,
            id: ResourceId::from_bytes(*id),
        })
    }
}

/// Appends the length of a value, and the value. NULL has none; its length is the
/// largest number.
fn write(out: &mut Vec<u8>, value: Option<&ColumnValue>) {
    let Some(value) = value else {
        return out.extend(u32::MAX.to_be_bytes());
    };
    let bytes = value.bytes();
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}

/// Takes a value from the bytes. The outer none: they are no value of this kind.
fn read(from: &mut &[u8], kind: Kind) -> Option<Option<ColumnValue>> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    let length = u32::from_be_bytes(*length);
    if length == u32::MAX {
        return Some(None);
    }
    let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    kind.value(bytes).map(Some)
}

fn seal<'a>(owner: &'a OwnerId, list: &'a str) -> Seal<'a> {
    let owner = owner.as_str();
    Seal { owner, list }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::{DateTime, NaiveDate};

    use super::super::columns::END_OF_TIME;
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
    fn is_taken(sort: &str, values: Vec<Option<ColumnValue>>) -> bool {
        let owner = alice();
        let query = ListQuery::parse(&format!("sort={sort}"), &owner).unwrap();
        let id = ResourceId::generate();
        let text = Position { values, id }.encode(&owner, &query);
        Position::decode(&text, &owner, &query).is_some()
    }

    #[test]
    fn a_forged_cursor_with_a_value_that_no_task_can_have_is_refused() {
        let at = |millis| {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            vec![Some(ColumnValue::Instant(at.naive_utc()))]
        };
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(ColumnValue::Day);
        let due = |year| vec![day(year), Some(ColumnValue::Number(1))];
        let title = |title: &str| vec![Some(ColumnValue::Text(title.into()))];
        assert!(is_taken("title", title("a")));
        assert!(!is_taken("title", title("a\0b")) && !is_taken("position", title("\0")));
        assert!(!is_taken("title", vec![None]));
        assert!(is_taken("due_date", due(9999)) && is_taken("due_date", due(1970)));
        assert!(is_taken("due_date", vec![None, None]));
        assert!(!is_taken("due_date", due(1969)) && !is_taken("due_date", due(10_000)));
        assert!(is_taken("updated_at", at(END_OF_TIME - 1)));
        assert!(!is_taken("updated_at", at(-1)) && !is_taken("updated_at", at(END_OF_TIME)));
        assert!(!is_taken("updated_at", vec![None]) && is_taken("completed_at", vec![None]));
        // Too few values, too many, and those of another kind.
        assert!(!is_taken("due_date", vec![None]) && !is_taken("title", vec![]));
        assert!(!is_taken("created_at", title("a")) && !is_taken("priority", title("a")));
    }

    #[test]
    fn of_a_cursor_every_byte_counts() {
        let owner = alice();
        let query = ListQuery::parse("sort=-title,completed_at,due_date", &owner).unwrap();
        let position = Position {
            values: vec![
                Some(ColumnValue::Text("é".into())),
                None,
                NaiveDate::from_ymd_opt(2026, 2, 3).map(ColumnValue::Day),
                None,
            ],
            id: ResourceId::generate(),
        };
        let text = position.encode(&owner, &query);
        assert_eq!(Position::decode(&text, &owner, &query), Some(position));
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            for text in [URL_SAFE_NO_PAD.encode(&other), cut] {
                assert_eq!(Position::decode(&text, &owner, &query), None, "{at}");
            }
        }
    }
}
