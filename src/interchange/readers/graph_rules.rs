//! Microsoft Graph's `patternedRecurrence` as a rule of RFC 5545.

use super::json_items::{Lines, Node};
use super::microsoft::{Reader, find};
use super::todotxt::every;
use crate::interchange::document::Invalid;

/// The rule. None if it is none that is known.
pub fn rule<'a>(reader: &mut Reader<'a>, value: Node<'a>) -> Result<Option<String>, Invalid> {
    let members = reader.lines.object(value)?.unwrap_or_default();
    let Some(pattern) = find(&members, "pattern") else {
        return Ok(None);
    };
    let pattern = reader.lines.object(pattern)?.unwrap_or_default();
    let kind = reader.text(&pattern, "type")?.unwrap_or_default();
    let number = |name: &str| find(&pattern, name).and_then(Node::number);
    let Some(interval) = u32::try_from(number("interval").unwrap_or(1))
        .ok()
        .filter(|it| *it > 0)
    else {
        return Ok(None);
    };
    let mut days = Vec::new();
    for day in find(&pattern, "daysOfWeek")
        .and_then(|days| Lines::array(days, 7))
        .unwrap_or_default()
    {
        days.extend(reader.lines.string(day)?.as_deref().and_then(code));
    }
    let nth = match reader.text(&pattern, "index")?.as_deref() {
        Some("second") => 2,
        Some("third") => 3,
        Some("fourth") => 4,
        Some("last") => -1,
        _ => 1,
    };
    let (day, month) = (
        number("dayOfMonth").unwrap_or(0),
        number("month").unwrap_or(0),
    );
    let relative = match days.as_slice() {
        [] => None,
        [day] => Some(format!(";BYDAY={nth}{day}")),
        days => Some(format!(";BYDAY={};BYSETPOS={nth}", days.join(","))),
    };
    let mut rule = match (kind.as_str(), relative) {
        ("daily", _) => every("DAILY", interval),
        ("weekly", None) => every("WEEKLY", interval),
        ("weekly", Some(_)) => {
            let start = reader.text(&pattern, "firstDayOfWeek")?;
            let start = start.as_deref().and_then(code).filter(|_| interval > 1);
            let start = start.map_or_else(String::new, |day| format!(";WKST={day}"));
            format!(
                "{};BYDAY={}{start}",
                every("WEEKLY", interval),
                days.join(",")
            )
        }
        ("absoluteMonthly", _) if day > 0 => {
            format!("{};BYMONTHDAY={day}", every("MONTHLY", interval))
        }
        ("relativeMonthly", Some(relative)) => format!("{}{relative}", every("MONTHLY", interval)),
        ("absoluteYearly", _) if day > 0 && month > 0 => {
            format!(
                "{};BYMONTH={month};BYMONTHDAY={day}",
                every("YEARLY", interval)
            )
        }
        ("relativeYearly", Some(relative)) if month > 0 => {
            format!("{};BYMONTH={month}{relative}", every("YEARLY", interval))
        }
        _ => return Ok(None),
    };
    let range = match find(&members, "range") {
        Some(range) => reader.lines.object(range)?.unwrap_or_default(),
        None => Vec::new(),
    };
    match reader.text(&range, "type")?.as_deref() {
        Some("endDate") => {
            let end = reader.text(&range, "endDate")?.unwrap_or_default();
            rule.push_str(&format!(";UNTIL={}", end.replace('-', "")));
        }
        Some("numbered") => {
            let count = find(&range, "numberOfOccurrences").and_then(Node::number);
            rule.push_str(&format!(";COUNT={}", count.unwrap_or(0)));
        }
        _ => {}
    }
    Ok(Some(rule))
}

fn code(day: &str) -> Option<&'static str> {
    match day.to_ascii_lowercase().as_str() {
        "monday" => Some("MO"),
        "tuesday" => Some("TU"),
        "wednesday" => Some("WE"),
        "thursday" => Some("TH"),
        "friday" => Some("FR"),
        "saturday" => Some("SA"),
        "sunday" => Some("SU"),
        _ => None,
    }
}
