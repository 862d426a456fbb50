//! A task as JSON, and its conversion from and to a row.

use std::borrow::Cow;

use axum::http::StatusCode;
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use tokio_postgres::Row;
use uuid::Uuid;

const PRIORITIES: [&str; 4] = ["none", "low", "medium", "high"];

#[derive(Serialize)]
pub struct Task<'a> {
    pub id: Uuid,
    pub owner_id: &'a str,
    pub title: Cow<'a, str>,
    pub description: Option<Cow<'a, str>>,
    pub completed: bool,
    pub completed_at: Option<Moment>,
    #[serde(serialize_with = "priority")]
    pub priority: i16,
    pub due_date: Option<NaiveDate>,
    /// Minutes of the day. It does not compute `due_at`, and reads no rule: of what is
    /// measured nothing has a time or repeats.
    pub due_time: Option<i16>,
    pub time_zone: Option<&'a str>,
    pub due_at: Option<Moment>,
    pub recurrence: Option<&'a str>,
    #[serde(serialize_with = "tags")]
    pub tags: Cow<'a, str>,
    pub list_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    pub position: Position<'a>,
    pub next_id: Option<Uuid>,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub deleted_at: Option<Moment>,
}

/// Where it was moved to, or the digits of its id.
pub struct Position<'a>(pub Option<&'a str>, pub Uuid);

impl Serialize for Position<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 32];
        serializer.serialize_str(match self.0 {
            Some(position) => position,
            None => self.1.simple().encode_lower(&mut digits),
        })
    }
}

impl<'a> Task<'a> {
    /// Borrows the texts from the row.
    pub fn of(row: &'a Row, owner: &'a str) -> Self {
        let id: Uuid = row.get(0);
        let description: Option<&str> = row.get(2);
        let completed_at: Option<NaiveDateTime> = row.get(4);
        let deleted_at: Option<NaiveDateTime> = row.get(17);
        Self {
            id,
            owner_id: owner,
            title: Cow::Borrowed(row.get(1)),
            description: description.map(Cow::Borrowed),
            completed: row.get(3),
            completed_at: completed_at.map(Moment),
            priority: row.get(5),
            due_date: row.get(6),
            due_time: row.get(10),
            time_zone: row.get(11),
            due_at: None,
            recurrence: row.get(12),
            tags: Cow::Borrowed(row.get(7)),
            list_id: row.get(13),
            parent_id: row.get(14),
            position: Position(row.get(15), id),
            next_id: row.get(16),
            version: row.get(8),
            created_at: created_at(id),
            updated_at: Moment(row.get(9)),
            deleted_at: deleted_at.map(Moment),
        }
    }
}

fn priority<S: Serializer>(rank: &i16, serializer: S) -> Result<S::Ok, S::Error> {
    let name = usize::try_from(*rank)
        .ok()
        .and_then(|rank| PRIORITIES.get(rank));
    serializer.serialize_str(name.unwrap_or(&"none"))
}

/// The column contains JSON.
fn tags<S: Serializer>(column: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_str(column).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

/// The time inside a UUIDv7.
pub fn created_at(id: Uuid) -> Moment {
    let millis = (id.as_u128() >> 80) as i64;
    let time = chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
    Moment(time.naive_utc())
}

/// An instant as `toISOString()` writes it, without chrono's formatter.
pub struct Moment(pub NaiveDateTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let time = self.0;
        let mut put = |from: usize, digits: usize, mut value: u32| {
            for place in (from..from + digits).rev() {
                text[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, time.year().unsigned_abs());
        put(5, 2, time.month());
        put(8, 2, time.day());
        put(11, 2, time.hour());
        put(14, 2, time.minute());
        put(17, 2, time.second());
        put(20, 3, time.nanosecond() / 1_000_000);
        serializer.serialize_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    priority: Option<Cow<'a, str>>,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(borrow, default)]
    pub tags: Vec<Cow<'a, str>>,
}

impl<'a> Draft<'a> {
    pub fn check(&self) -> Result<(), StatusCode> {
        let good = (1..=200).contains(&self.title.chars().count())
            && self
                .description
                .as_ref()
                .is_none_or(|text| text.chars().count() <= 5_000)
            && self
                .priority
                .as_ref()
                .is_none_or(|name| PRIORITIES.contains(&&**name))
            && self.tags.len() <= 20;
        if good {
            Ok(())
        } else {
            Err(StatusCode::UNPROCESSABLE_ENTITY)
        }
    }

    pub fn tags_column(&self) -> String {
        serde_json::to_string(&self.tags).unwrap_or_default()
    }

    pub fn into_task(self, owner: &'a str, tags: impl Into<Cow<'a, str>>) -> Task<'a> {
        let id = Uuid::now_v7();
        let rank = PRIORITIES
            .iter()
            .position(|name| Some(*name) == self.priority.as_deref());
        Task {
            id,
            owner_id: owner,
            title: self.title,
            description: self.description,
            completed: false,
            completed_at: None,
            priority: rank.unwrap_or(0) as i16,
            due_date: self.due_date,
            due_time: None,
            time_zone: None,
            due_at: None,
            recurrence: None,
            tags: tags.into(),
            list_id: None,
            parent_id: None,
            position: Position(None, id),
            next_id: None,
            version: 1,
            created_at: created_at(id),
            updated_at: created_at(id),
            deleted_at: None,
        }
    }
}

/// The current time in UTC.
pub fn now() -> NaiveDateTime {
    Utc::now().naive_utc()
}
