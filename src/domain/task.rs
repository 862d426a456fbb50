//! A task as clients see it, its address, and instants.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, SubsecRound, Timelike as _, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::fields::{Description, Priority, Title};
use super::tags::Tags;
use crate::auth::OwnerId;

/// The address of a task: a UUID version 7 (RFC 9562). Anybody may make one; it
/// gives no right to the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(Uuid);

impl TaskId {
    /// A new id. Ids of one process ascend, also within a millisecond.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads the canonical lower-case form (RFC 9562 section 4) and no other.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        let mut buffer = Uuid::encode_buffer();
        (id.hyphenated().encode_lower(&mut buffer) == text).then_some(Self(id))
    }

    /// The canonical form.
    pub(super) fn text(&self) -> [u8; 36] {
        let mut text = [0; 36];
        self.0.hyphenated().encode_lower(&mut text);
        text
    }

    /// The 16 bytes, in the order in which ids sort.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of 16 bytes, of whatever version.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The first id that could have been made at this instant.
    pub fn first_at(moment: Moment) -> Self {
        let millis = u64::try_from(moment.0.timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// When the id was made.
    pub fn created_at(&self) -> Moment {
        let millis = self.0.get_timestamp().map_or(0, |time| {
            let (seconds, nanos) = time.to_unix();
            i64::try_from(seconds).unwrap_or(0).saturating_mul(1000) + i64::from(nanos / 1_000_000)
        });
        Moment(DateTime::from_timestamp_millis(millis).unwrap_or_default())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// An instant in UTC, in whole milliseconds, so that both databases give back
/// what they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// The present.
    pub fn now() -> Self {
        Self::new(Utc::now())
    }

    /// An instant, cut to milliseconds.
    pub fn new(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(3))
    }

    /// The instant.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// As JavaScript's `toISOString()` writes it: `2026-11-20T10:50:16.987Z`. None
    /// for years that it writes with a sign. A list has two or three of them a
    /// task, and chrono's formatter was a tenth of it.
    pub(super) fn text(self) -> Option<[u8; 24]> {
        let (day, time) = (self.0.date_naive(), self.0.time());
        if !(0..=9999).contains(&day.year()) {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let numbers = [
            (0..4, day.year().unsigned_abs()),
            (5..7, day.month()),
            (8..10, day.day()),
            (11..13, time.hour()),
            (14..16, time.minute()),
            (17..19, time.second()),
            (20..23, time.nanosecond() / 1_000_000),
        ];
        for (place, mut number) in numbers {
            for digit in text.get_mut(place).into_iter().flatten().rev() {
                *digit += (number % 10) as u8;
                number /= 10;
            }
        }
        Some(text)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(str::from_utf8(&text).unwrap_or_default()),
            None => f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true)),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A task. When it was made is the time inside its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its address.
    pub id: TaskId,
    /// Whose it is.
    pub owner_id: OwnerId,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// Whether it is done.
    pub completed: bool,
    /// When `completed` last became true; none while it is false.
    pub completed_at: Option<Moment>,
    /// How much it matters.
    pub priority: Priority,
    /// The day it is due.
    pub due_date: Option<NaiveDate>,
    /// The owner's own words for it.
    pub tags: Tags,
    /// 1, then one more at each change.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_one_form_only() {
        let id = TaskId::generate();
        let text = id.to_string();
        assert_eq!(TaskId::parse(&text), Some(id));
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            format!(" {text}"),
        ] {
            assert_eq!(TaskId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn an_instant_is_written_as_chrono_writes_it() {
        let mut instants = vec![
            DateTime::UNIX_EPOCH,
            DateTime::<Utc>::MIN_UTC,
            DateTime::<Utc>::MAX_UTC,
            Utc::now(),
        ];
        // Primes, so that every field takes many values.
        instants.extend((0..10_000).map(|n: i64| {
            DateTime::from_timestamp_millis(n * 25_214_903_917 % 253_402_300_799_999).unwrap()
        }));
        for instant in instants {
            let moment = Moment::new(instant);
            let wanted = moment.utc().to_rfc3339_opts(SecondsFormat::Millis, true);
            assert_eq!(moment.to_string(), wanted);
        }
    }

    #[test]
    fn the_first_id_of_an_instant_carries_that_instant_and_is_below_the_next() {
        let now = Moment::now();
        let first = TaskId::first_at(now);
        assert_eq!(first.created_at(), now);
        assert!(first <= TaskId::generate());
    }
}
