//! The text of a rule.

use std::borrow::Cow;

use chrono::{NaiveDate, Weekday};

use super::lists::{MonthDays, WeekDays};
use super::{Frequency, Rule, RuleError};

/// A part that is known and cannot be had, and why.
const REFUSED: &[(&str, &str)] = &[
    (
        "BYSECOND",
        "a task recurs by days; use due_time for the time",
    ),
    (
        "BYMINUTE",
        "a task recurs by days; use due_time for the time",
    ),
    ("BYHOUR", "a task recurs by days; use due_time for the time"),
    ("BYYEARDAY", "use BYMONTH and BYMONTHDAY"),
    ("BYWEEKNO", "use BYMONTH and BYDAY"),
    ("RSCALE", "rules are of the Gregorian calendar"),
];

pub(super) fn rule(text: &str) -> Result<Rule, RuleError> {
    check_form(text)?;
    let mut parts = Parts::default();
    for part in text.split(';') {
        let form =
            "must be parts as NAME=VALUE with one semicolon between two: FREQ=WEEKLY;BYDAY=MO";
        let (name, value) = part.split_once('=').ok_or(error(form))?;
        parts.read(name, value)?;
    }
    parts.finish()
}

fn check_form(text: &str) -> Result<(), RuleError> {
    if text.len() > Rule::MAX_BYTES {
        return Err(error("must be at most 500 bytes"));
    }
    if text.starts_with("RRULE:") {
        return Err(error("must be the value alone, without RRULE: before it"));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_ascii_lowercase()) {
        return Err(error("must be in upper case, without white space"));
    }
    Ok(())
}

/// What has been read; None is what has not come yet.
#[derive(Default)]
struct Parts {
    frequency: Option<Frequency>,
    interval: Option<u64>,
    months: Option<u16>,
    month_days: Option<MonthDays>,
    week_days: Option<(WeekDays, bool)>,
    positions: Option<Vec<i16>>,
    week_start: Option<Weekday>,
    count: Option<u64>,
    until: Option<NaiveDate>,
    omits: Option<bool>,
}

impl Parts {
    fn read(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        match name {
            "FREQ" => once(
                &mut self.frequency,
                name,
                frequency(value),
                "must be DAILY, WEEKLY, MONTHLY or YEARLY: a task recurs by days",
            ),
            "INTERVAL" => once(&mut self.interval, name, positive(value), POSITIVE),
            "COUNT" => once(&mut self.count, name, positive(value), POSITIVE),
            "UNTIL" => once(
                &mut self.until,
                name,
                until(value),
                "must be a day as YYYYMMDD, or a time as YYYYMMDDTHHMMSSZ, of which the day counts",
            ),
            "BYMONTH" => once(
                &mut self.months,
                name,
                months(value),
                "must be months, 1 to 12, with commas",
            ),
            "BYMONTHDAY" => once(
                &mut self.month_days,
                name,
                month_days(value),
                "must be days, 1 to 31 or -31 to -1, with commas",
            ),
            "BYDAY" => once(
                &mut self.week_days,
                name,
                week_days(value),
                "must be weekdays with commas, MO TU WE TH FR SA SU, each by itself or with a \
                 number before it, 1 to 53 or -53 to -1, as -1FR",
            ),
            "BYSETPOS" => once(
                &mut self.positions,
                name,
                list(value, |item| signed(item, 3, 366)),
                "must be positions, 1 to 366 or -366 to -1, with commas",
            ),
            "WKST" => once(
                &mut self.week_start,
                name,
                week_day(value),
                "must be MO, TU, WE, TH, FR, SA or SU",
            ),
            "SKIP" => once(
                &mut self.omits,
                name,
                match value {
                    "OMIT" => Some(true),
                    "BACKWARD" => Some(false),
                    _ => None,
                },
                "must be OMIT or BACKWARD",
            ),
            _ => Err(unknown(name)),
        }
    }

    fn finish(self) -> Result<Rule, RuleError> {
        let missing = error("must have FREQ: DAILY, WEEKLY, MONTHLY or YEARLY");
        let frequency = self.frequency.ok_or(missing)?;
        let (week_days, numbered) = self.week_days.unwrap_or_default();
        if numbered && matches!(frequency, Frequency::Daily | Frequency::Weekly) {
            return Err(error(
                "must not have numbers in BYDAY unless FREQ is MONTHLY or YEARLY",
            ));
        }
        if self.month_days.is_some() && frequency == Frequency::Weekly {
            return Err(error("must not have BYMONTHDAY with FREQ=WEEKLY"));
        }
        if self.count.is_some() && self.until.is_some() {
            return Err(error("must not have both COUNT and UNTIL"));
        }
        let by_another =
            self.months.is_some() || self.month_days.is_some() || !week_days.is_empty();
        if self.positions.is_some() && !by_another {
            return Err(error(
                "must have BYMONTH, BYMONTHDAY or BYDAY beside BYSETPOS, to take positions of",
            ));
        }
        Ok(Rule {
            frequency,
            // What is longer than the calendar has one date at most.
            interval: i64::from(u32::try_from(self.interval.unwrap_or(1)).unwrap_or(u32::MAX)),
            months: self.months.unwrap_or_default(),
            month_days: self.month_days.unwrap_or_default(),
            week_days,
            positions: self.positions.unwrap_or_default(),
            week_start: self.week_start.unwrap_or(Weekday::Mon),
            count: self.count,
            until: self.until,
            omits: self.omits.unwrap_or_default(),
        })
    }
}

const POSITIVE: &str = "must be a whole number, at least 1";

fn error(sentence: &'static str) -> RuleError {
    RuleError(Cow::Borrowed(sentence))
}

/// Keeps the value of a part, which may come once. `name` is one of ours by then.
fn once<T>(
    place: &mut Option<T>,
    name: &str,
    value: Option<T>,
    wrong: &str,
) -> Result<(), RuleError> {
    if place.is_some() {
        let sentence = format!("must not have {name} twice");
        return Err(RuleError(sentence.into()));
    }
    if value.is_none() {
        return Err(RuleError(format!("has a wrong {name}: it {wrong}").into()));
    }
    *place = value;
    Ok(())
}

/// A name of the client's is not repeated: it may be anything.
fn unknown(name: &str) -> RuleError {
    match REFUSED.iter().find(|(refused, _)| *refused == name) {
        Some((refused, why)) => RuleError(format!("must not have {refused}: {why}").into()),
        None => error(
            "has an unknown part; there are FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, \
             BYDAY, BYSETPOS, WKST and SKIP",
        ),
    }
}

fn frequency(value: &str) -> Option<Frequency> {
    match value {
        "DAILY" => Some(Frequency::Daily),
        "WEEKLY" => Some(Frequency::Weekly),
        "MONTHLY" => Some(Frequency::Monthly),
        "YEARLY" => Some(Frequency::Yearly),
        _ => None,
    }
}

fn months(value: &str) -> Option<u16> {
    let months = list(value, |item| {
        digits(item, 2).filter(|month| (1..=12).contains(month))
    })?;
    Some(months.iter().fold(0, |bits, month| bits | 1 << month))
}

fn month_days(value: &str) -> Option<MonthDays> {
    let mut days = MonthDays::default();
    for day in list(value, |item| signed(item, 2, 31))? {
        days.insert(day);
    }
    Some(days)
}

/// The days, and whether one of them has a number.
fn week_days(value: &str) -> Option<(WeekDays, bool)> {
    let mut days = WeekDays::default();
    let mut numbered = false;
    for (day, nth) in list(value, numbered_day)? {
        days.insert(day, nth);
        numbered = numbered || nth != 0;
    }
    Some((days, numbered))
}

fn numbered_day(item: &str) -> Option<(Weekday, i16)> {
    let (number, day) = item.split_at_checked(item.len().checked_sub(2)?)?;
    let nth = match number {
        "" => 0,
        number => signed(number, 2, 53)?,
    };
    Some((week_day(day)?, nth))
}

fn week_day(value: &str) -> Option<Weekday> {
    match value {
        "MO" => Some(Weekday::Mon),
        "TU" => Some(Weekday::Tue),
        "WE" => Some(Weekday::Wed),
        "TH" => Some(Weekday::Thu),
        "FR" => Some(Weekday::Fri),
        "SA" => Some(Weekday::Sat),
        "SU" => Some(Weekday::Sun),
        _ => None,
    }
}

fn list<T>(value: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(item).collect()
}

/// A number with or without a sign, but not 0.
fn signed(item: &str, places: usize, max: i16) -> Option<i16> {
    let (sign, number) = match item.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, item.strip_prefix('+').unwrap_or(item)),
    };
    let number = digits(number, places).filter(|number| (1..=max).contains(number))?;
    Some(sign * number)
}

/// One to so many digits, at most three.
fn digits(item: &str, places: usize) -> Option<i16> {
    let written = (1..=places).contains(&item.len());
    if !written || !item.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    item.parse().ok()
}

/// Any number of digits; what is too large to matter is the largest.
fn positive(value: &str) -> Option<u64> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(u64::MAX)).filter(|number| *number > 0)
}

/// The day of a DATE or a DATE-TIME, local or in UTC, as it is written.
fn until(value: &str) -> Option<NaiveDate> {
    let (day, time) = match value.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (value, None),
    };
    if let Some(time) = time {
        let time = time.strip_suffix('Z').unwrap_or(time);
        let in_range = |at, end| {
            let field = time.get(at..at + 2).and_then(|field| digits(field, 2));
            field.is_some_and(|field| field < end)
        };
        // A leap second has the number 60.
        if time.len() != 6 || !in_range(0, 24) || !in_range(2, 60) || !in_range(4, 61) {
            return None;
        }
    }
    if day.len() != 8 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    NaiveDate::parse_from_str(day, "%Y%m%d").ok()
}
