//! Rules as RFC 5545 has them. Todoward takes the last day where a month lacks a day;
//! RFC 5545 leaves the month out. So a rule is written in other words where the two differ,
//! and `SKIP=OMIT` is added to one that comes from elsewhere.

use chrono::{Datelike as _, NaiveDate, NaiveTime};

use super::readers::zones;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::{DueTime, TimeZone, due_at};
use crate::tasks::fields::day;
use crate::tasks::series::Recurrence;

fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = rule.split(';').filter_map(|part| part.split_once('='));
    parts.find(|(it, _)| *it == name).map(|(_, value)| value)
}

/// The day of the month that the rule means and some months lack; none if it means none
/// such, or says more than that.
fn late_day(rule: &str, due: NaiveDate) -> Option<u32> {
    if ["BYDAY", "BYSETPOS"]
        .iter()
        .any(|name| part(rule, name).is_some())
    {
        return None;
    }
    let day = match part(rule, "BYMONTHDAY") {
        Some(day) => day.parse().ok()?,
        None => due.day(),
    };
    let is_late = match part(rule, "FREQ")? {
        "MONTHLY" => true,
        "YEARLY" => part(rule, "BYMONTH").is_some() || due.month() == 2,
        _ => false,
    };
    (is_late && (29..=31).contains(&day)).then_some(day)
}

/// A rule for other programs, and whether it is the same as here.
pub fn written(
    recurrence: &Recurrence,
    due: NaiveDate,
    time: Option<DueTime>,
    zone: Option<&str>,
) -> (String, bool) {
    let rule = recurrence.rule();
    let (anchor, _) = recurrence.place();
    let mut parts: Vec<String> = rule.split(';').map(str::to_owned).collect();
    let omits = part(rule, "SKIP") == Some("OMIT");
    parts.retain(|part| !part.starts_with("SKIP="));
    if !omits && let Some(day) = late_day(rule, anchor) {
        parts.retain(|part| !part.starts_with("BYMONTHDAY="));
        if part(rule, "FREQ") == Some("YEARLY") && part(rule, "BYMONTH").is_none() {
            parts.push(format!("BYMONTH={}", anchor.month()));
        }
        parts.push(match day {
            31 => "BYMONTHDAY=-1".to_owned(),
            30 => "BYMONTHDAY=28,29,30;BYSETPOS=-1".to_owned(),
            _ => "BYMONTHDAY=28,29;BYSETPOS=-1".to_owned(),
        });
    }
    for part in &mut parts {
        if let Some(until) = part.strip_prefix("UNTIL=") {
            *part = format!("UNTIL={}", until_written(until, time, zone));
        }
    }
    let written = parts.join(";");
    let is_same = read(&written, due, time, zone) == rule;
    (written, is_same)
}

/// The last day of a rule as RFC 5545 has it, with the type of DTSTART: with a time that is
/// the last one that is due, in UTC where DTSTART has a zone.
fn until_written(until: &str, time: Option<DueTime>, zone: Option<&str>) -> String {
    let until = until.get(..8).unwrap_or(until);
    let Some(time) = time else {
        return until.to_owned();
    };
    let local = format!("{until}T{}00", time.to_string().replace(':', ""));
    let Some(zone) = zone else {
        return local;
    };
    let last = basic(until).zip(TimeZone::parse(zone).ok());
    let last = last.and_then(|(day, zone)| due_at(day, time, &zone));
    match last {
        Some(last) => last.utc().format("%Y%m%dT%H%M%SZ").to_string(),
        None => format!("{local}Z"),
    }
}

/// The last day of a rule of another program, in the zone that the task is due in.
fn until_read(until: &str, time: Option<DueTime>, zone: Option<&str>) -> Option<String> {
    let (day, clock) = until.split_once('T')?;
    let day = basic(day)?;
    let (clock, is_utc) = match clock.strip_suffix('Z') {
        Some(clock) => (clock, true),
        None => (clock, false),
    };
    let clock = NaiveTime::parse_from_str(clock, "%H%M%S").ok()?;
    let at = day.and_time(clock);
    let local = match zone.filter(|_| is_utc) {
        Some(zone) => zones::local(Timestamp::of_column(at), zone)?,
        None => at,
    };
    // Before the time that is due, that day is no date any more.
    let is_before = time.is_some_and(|time| zones::minutes(local.time()) < time);
    let last = if is_before {
        local.date().pred_opt()?
    } else {
        local.date()
    };
    Some(last.format("%Y%m%d").to_string())
}

fn basic(text: &str) -> Option<NaiveDate> {
    let (year, month, date) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    day(&format!("{year}-{month}-{date}"))
}

/// A rule of another program, as it is meant.
pub fn read(rule: &str, due: NaiveDate, time: Option<DueTime>, zone: Option<&str>) -> String {
    let mut rule = rule.trim().to_ascii_uppercase();
    if let Some(until) = part(&rule, "UNTIL")
        && let Some(last) = until_read(until, time, zone)
    {
        rule = rule.replacen(&format!("UNTIL={until}"), &format!("UNTIL={last}"), 1);
    }
    let lacks = match part(&rule, "BYMONTHDAY") {
        Some(days) => {
            let late = |day: &str| matches!(day, "29" | "30" | "31" | "-29" | "-30" | "-31");
            let days: Vec<&str> = days.split(',').collect();
            // With the 28th and the last of them it never lacks a day.
            let covered = days.contains(&"28") && part(&rule, "BYSETPOS") == Some("-1");
            !covered && days.iter().any(|day| late(day))
        }
        None => part(&rule, "BYDAY").is_none() && due.day() > 28,
    };
    let is_monthly = matches!(part(&rule, "FREQ"), Some("MONTHLY"))
        || (part(&rule, "FREQ") == Some("YEARLY") && lacks_in_year(&rule, due));
    match is_monthly && lacks && part(&rule, "SKIP").is_none() {
        true => format!("{rule};SKIP=OMIT"),
        false => rule,
    }
}

/// Whether a yearly rule can meet a month that lacks its day.
fn lacks_in_year(rule: &str, due: NaiveDate) -> bool {
    match (part(rule, "BYMONTH"), part(rule, "BYMONTHDAY")) {
        (None, None) => due.month() == 2,
        _ => true,
    }
}
