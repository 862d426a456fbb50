//! Timestamps of the API.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, NaiveDateTime, SecondsFormat, SubsecRound, Timelike as _, Utc,
};
use serde::{Serialize, Serializer};

/// An instant in UTC in whole milliseconds, the precision that both databases return
/// unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The current time.
    pub fn now() -> Self {
        Self::new(Utc::now())
    }

    /// An instant, truncated to milliseconds.
    pub fn new(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(3))
    }

    /// The instant.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The value of a column, which is in UTC.
    pub fn of_column(column: NaiveDateTime) -> Self {
        Self::new(column.and_utc())
    }

    /// The value for a column.
    pub fn column(self) -> NaiveDateTime {
        self.0.naive_utc()
    }

    /// The format of JavaScript's `toISOString()`: `2026-11-20T10:50:16.987Z`; none for years
    /// that it writes with a sign. A list has two or three timestamps a task, and chrono's
    /// formatter took a tenth of its time.
    pub fn text(self) -> Option<[u8; 24]> {
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

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(str::from_utf8(&text).unwrap_or_default()),
            None => f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true)),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_chrono_writes_it() {
        let mut instants = vec![
            DateTime::UNIX_EPOCH,
            DateTime::<Utc>::MIN_UTC,
            DateTime::<Utc>::MAX_UTC,
            Utc::now(),
        ];
        // Prime steps, so that every field takes many values.
        instants.extend((0..10_000).map(|n: i64| {
            DateTime::from_timestamp_millis(n * 25_214_903_917 % 253_402_300_799_999).unwrap()
        }));
        for instant in instants {
            let moment = Timestamp::new(instant);
            let wanted = moment.utc().to_rfc3339_opts(SecondsFormat::Millis, true);
            assert_eq!(moment.to_string(), wanted);
        }
    }
}
