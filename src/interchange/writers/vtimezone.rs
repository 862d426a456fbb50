//! VTIMEZONE: the changes of a zone's clocks, one by one, as the database has them. A
//! yearly rule would have to be guessed, and is wrong where clocks follow the moon.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZoneDatabase};

use super::icalendar::line;

/// Tasks are due from 1970 on; from 2100 on, readers go on with the last offset.
const LAST: i64 = 4_102_444_800;

/// Offsets before and after, the name, and whether it is daylight saving time.
type Kind = (i32, i32, String, bool);

/// Writes the description of a zone.
pub fn write(zone: &str, out: &mut Vec<u8>) {
    let Ok(rules) = TimeZoneDatabase::bundled().get(zone) else {
        return;
    };
    let begin = Timestamp::UNIX_EPOCH;
    let mut offset = rules.to_offset(begin);
    let first = rules.to_offset_info(begin);
    let kind = (
        offset.seconds(),
        offset.seconds(),
        first.abbreviation().to_owned(),
        first.dst().is_dst(),
    );
    let mut observances: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    observances.insert(kind, vec!["19700101T000000".to_owned()]);
    for change in rules.following(begin) {
        if change.timestamp().as_second() >= LAST {
            break;
        }
        let kind = (
            offset.seconds(),
            change.offset().seconds(),
            change.abbreviation().to_owned(),
            change.dst().is_dst(),
        );
        // The local time of a change is that of the clocks before it.
        let local = offset.to_datetime(change.timestamp());
        let local = local.strftime("%Y%m%dT%H%M%S").to_string();
        observances.entry(kind).or_default().push(local);
        offset = change.offset();
    }
    line("BEGIN:VTIMEZONE", out);
    line(&format!("TZID:{zone}"), out);
    for ((before, after, name, is_dst), times) in observances {
        let kind = if is_dst { "DAYLIGHT" } else { "STANDARD" };
        line(&format!("BEGIN:{kind}"), out);
        line(&format!("TZOFFSETFROM:{}", signed(before)), out);
        line(&format!("TZOFFSETTO:{}", signed(after)), out);
        line(&format!("TZNAME:{name}"), out);
        if let Some(first) = times.first() {
            line(&format!("DTSTART:{first}"), out);
        }
        if times.len() > 1 {
            line(&format!("RDATE:{}", times.join(",")), out);
        }
        line(&format!("END:{kind}"), out);
    }
    line("END:VTIMEZONE", out);
}

fn signed(seconds: i32) -> String {
    let offset = Offset::from_seconds(seconds)
        .unwrap_or(Offset::UTC)
        .seconds();
    let (sign, total) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    match rest {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        rest => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
    }
}
