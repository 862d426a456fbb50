//! Timestamps of the API.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, SecondsFormat, SubsecRound, Timelike as _,
    Utc,
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
        let time = self.0.time();
        let [y1, y2, y3, y4, dash, m1, m2, _, d1, d2] = day_text(self.0.date_naive())?;
        let [h1, h2] = digits(time.hour());
        let [i1, i2] = digits(time.minute());
        let [s1, s2] = digits(time.second());
        let [n1, n2, n3] = digits(time.nanosecond() / 1_000_000);
        Some([
            y1, y2, y3, y4, dash, m1, m2, dash, d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2,
            b'.', n1, n2, n3, b'Z',
        ])
    }
}

/// A day as RFC 3339's `full-date`; none for years that it cannot write.
pub fn day_text(day: NaiveDate) -> Option<[u8; 10]> {
    let year = u32::try_from(day.year())
        .ok()
        .filter(|year| *year <= 9999)?;
    let [y1, y2, y3, y4] = digits(year);
    let [m1, m2] = digits(day.month());
    let [d1, d2] = digits(day.day());
    Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])
}

/// The last decimal digits of a number.
fn digits<const COUNT: usize>(mut number: u32) -> [u8; COUNT] {
    let mut text = [b'0'; COUNT];
    for digit in text.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    text
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
            let day = instant.date_naive();
            match day_text(day) {
                Some(text) => assert_eq!(str::from_utf8(&text), Ok(day.to_string().as_str())),
                None => assert!(!(0..=9999).contains(&day.year())),
            }
        }
    }
}
