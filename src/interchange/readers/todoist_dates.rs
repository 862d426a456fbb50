//! Todoist's dates as a person types them: those that have one meaning.

use chrono::{NaiveDate, NaiveDateTime};

use super::todotxt::every;
use super::zones;
use crate::tasks::due::DueTime;
use crate::tasks::fields::day;
use crate::tasks::series::From;

/// What a date says.
#[derive(Debug, PartialEq)]
pub struct When {
    pub date: Option<NaiveDate>,
    pub time: Option<DueTime>,
    pub rule: Option<String>,
    pub from: From,
    /// Whether the time is in UTC.
    pub utc: bool,
}

/// Reads a date; none if its meaning is not certain.
pub fn parse(text: &str, language: &str) -> Option<When> {
    let text = text.trim();
    if text.len() > 100 {
        return None;
    }
    if let Some(when) = written(text) {
        return Some(when);
    }
    // With an offset.
    if let Some(at) = zones::instant(text) {
        return Some(When {
            date: Some(at.utc().date_naive()),
            time: Some(zones::minutes(at.utc().time())),
            rule: None,
            from: From::Due,
            utc: true,
        });
    }
    if !matches!(language.trim().to_ascii_lowercase().as_str(), "" | "en") {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (rest, time) = with_time(&lower);
    let rest = rest.trim();
    let daily = [
        ("daily", "day"),
        ("weekly", "week"),
        ("monthly", "month"),
        ("yearly", "year"),
    ];
    let word = daily
        .iter()
        .find(|(word, _)| *word == rest)
        .map(|(_, unit)| *unit);
    let repeated = [
        ("every! ", From::Completion),
        ("ev! ", From::Completion),
        ("every ", From::Due),
        ("ev ", From::Due),
    ]
    .iter()
    .find_map(|(prefix, from)| rest.strip_prefix(prefix).map(|what| (what.trim(), *from)))
    .or(word.map(|unit| (unit, From::Due)));
    let (date, rule, from) = match repeated {
        Some((what, from)) => (None, Some(rule(what)?), from),
        None => (Some(spelled(rest)?), None, From::Due),
    };
    Some(When {
        date,
        time,
        rule,
        from,
        utc: false,
    })
}

/// A day as YYYY-MM-DD, alone or with a time.
fn written(text: &str) -> Option<When> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = day(date)?;
    let rest = rest.trim_start_matches(['T', ' ']).trim();
    let (rest, utc) = rest
        .strip_suffix('Z')
        .map_or((rest, false), |rest| (rest, true));
    let time = match rest {
        "" => None,
        time => {
            let moment = format!("{date} {time}");
            let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f"];
            let moment = formats
                .iter()
                .find_map(|it| NaiveDateTime::parse_from_str(&moment, it).ok());
            Some(zones::minutes(
                moment
                    .or_else(|| {
                        NaiveDateTime::parse_from_str(
                            &format!("{date} {}", clock(time)?),
                            "%Y-%m-%d %H:%M",
                        )
                        .ok()
                    })?
                    .time(),
            ))
        }
    };
    Some(When {
        date: Some(date),
        time,
        rule: None,
        from: From::Due,
        utc,
    })
}

/// A time of the day as HH:MM: of `8am`, `8:30 pm`, `20:00`.
fn clock(text: &str) -> Option<String> {
    let text = text.trim();
    let (number, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(number), _) => (number.trim(), Some(0)),
        (_, Some(number)) => (number.trim(), Some(12)),
        _ => (text, None),
    };
    let (hour, minute) = match number.split_once(':') {
        Some((hour, minute)) => (hour, minute),
        None if half.is_some() => (number, "00"),
        None => return None,
    };
    let is_short =
        |text: &str| matches!(text.len(), 1 | 2) && text.bytes().all(|it| it.is_ascii_digit());
    if !is_short(hour) || !is_short(minute) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some(add) if (1..=12).contains(&hour) => hour % 12 + add,
        Some(_) => return None,
        None => hour,
    };
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// The text without its time, and the time.
fn with_time(text: &str) -> (&str, Option<DueTime>) {
    let split = text.rsplit_once(" at ").or_else(|| text.rsplit_once(' '));
    match split.map(|(rest, time)| (rest, clock(time))) {
        Some((rest, Some(time))) => (rest, DueTime::parse(&time).ok()),
        _ => (text, None),
    }
}

/// `29 mar 2026`, `mar 29 2026`, `march 29, 2026`.
fn spelled(text: &str) -> Option<NaiveDate> {
    let text = text.replace(',', " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[one, two, year] = words.as_slice() else {
        return None;
    };
    let year: i32 = year
        .parse()
        .ok()
        .filter(|year| (1970..=9999).contains(year))?;
    let (month, day) = match (month(one), month(two)) {
        (Some(month), _) => (month, nth(two)?),
        (None, Some(month)) => (month, nth(one)?),
        (None, None) => return None,
    };
    NaiveDate::from_ymd_opt(year, month, day)
}

/// What repeats: the words behind "every".
fn rule(what: &str) -> Option<String> {
    const WORKDAYS: &str = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";
    match what {
        "weekday" | "workday" => return Some(WORKDAYS.to_owned()),
        "weekend" => return Some("FREQ=WEEKLY;BYDAY=SA,SU".to_owned()),
        "last day" => return Some("FREQ=MONTHLY;BYMONTHDAY=-1".to_owned()),
        _ => {}
    }
    let words: Vec<&str> = what.split_whitespace().collect();
    match words.as_slice() {
        [unit] if frequency(unit).is_some() => return Some(every(frequency(unit)?, 1)),
        ["other", unit] => return frequency(unit).map(|it| every(it, 2)),
        [number, unit] if number.parse::<u32>().is_ok() => {
            let number = number
                .parse()
                .ok()
                .filter(|number| (1..=9999).contains(number))?;
            return frequency(unit).map(|it| every(it, number));
        }
        [nth_word, weekday] if week_day(weekday).is_some() => {
            let nth = match *nth_word {
                "last" => -1,
                word => i64::from(nth(word).filter(|nth| *nth <= 5)?),
            };
            return Some(format!("FREQ=MONTHLY;BYDAY={nth}{}", week_day(weekday)?));
        }
        [one, two] if month(one).is_some() || month(two).is_some() => {
            let (month, day) = match month(one) {
                Some(month) => (month, nth(two)?),
                None => (month(two)?, nth(one)?),
            };
            NaiveDate::from_ymd_opt(2024, month, day)?;
            return Some(format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}"));
        }
        _ => {}
    }
    let items = what.replace(" and ", ",");
    let items: Vec<&str> = items
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let days: Option<Vec<&str>> = items.iter().map(|item| week_day(item)).collect();
    if let Some(days) = days.filter(|days| !days.is_empty()) {
        return Some(format!("FREQ=WEEKLY;BYDAY={}", days.join(",")));
    }
    // "3rd", not "3", which is a month's day to some and a number to others.
    let ordinals = items.iter().map(|item| {
        nth(item)
            .filter(|_| item.len() > 2)
            .map(|day| day.to_string())
    });
    let days: Vec<String> = ordinals.collect::<Option<_>>()?;
    (!days.is_empty()).then(|| format!("FREQ=MONTHLY;BYMONTHDAY={}", days.join(",")))
}

fn frequency(unit: &str) -> Option<&'static str> {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "day" => Some("DAILY"),
        "week" => Some("WEEKLY"),
        "month" => Some("MONTHLY"),
        "year" => Some("YEARLY"),
        _ => None,
    }
}

fn week_day(word: &str) -> Option<&'static str> {
    const DAYS: [(&str, &str); 7] = [
        ("monday", "MO"),
        ("tuesday", "TU"),
        ("wednesday", "WE"),
        ("thursday", "TH"),
        ("friday", "FR"),
        ("saturday", "SA"),
        ("sunday", "SU"),
    ];
    let is_day = |name: &str| word.len() >= 3 && name.starts_with(word);
    DAYS.iter()
        .find(|(name, _)| is_day(name))
        .map(|(_, code)| *code)
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let is_month = |name: &&str| word.len() >= 3 && name.starts_with(word);
    (1..)
        .zip(MONTHS)
        .find(|(_, name)| is_month(name))
        .map(|(number, _)| number)
}

/// A day of a month: 3, 3rd.
fn nth(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = word.strip_prefix(digits)?;
    let number = digits.parse().ok().filter(|day| (1..=31).contains(day))?;
    matches!(suffix, "" | "st" | "nd" | "rd" | "th").then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_is_read() {
        for (text, wanted) in [
            ("2026-03-29", "2026-03-29 - - due"),
            ("2026-03-29 02:30", "2026-03-29 02:30 - due"),
            ("2026-03-29T02:30:00", "2026-03-29 02:30 - due"),
            ("2026-03-29T23:30:00-05:00", "2026-03-30 04:30 - due"),
            ("29 Mar 2026", "2026-03-29 - - due"),
            ("Mar 29, 2026 8pm", "2026-03-29 20:00 - due"),
            ("every day", "- - FREQ=DAILY due"),
            ("daily at 9am", "- 09:00 FREQ=DAILY due"),
            (
                "every! 3 days at 8am",
                "- 08:00 FREQ=DAILY;INTERVAL=3 completion",
            ),
            ("ev other week", "- - FREQ=WEEKLY;INTERVAL=2 due"),
            (
                "every weekday 12:30pm",
                "- 12:30 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR due",
            ),
            (
                "every mon, wed and friday",
                "- - FREQ=WEEKLY;BYDAY=MO,WE,FR due",
            ),
            ("every 15th", "- - FREQ=MONTHLY;BYMONTHDAY=15 due"),
            ("every last day", "- - FREQ=MONTHLY;BYMONTHDAY=-1 due"),
            ("every 3rd friday", "- - FREQ=MONTHLY;BYDAY=3FR due"),
            (
                "every jan 6th",
                "- - FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=6 due",
            ),
        ] {
            let when = parse(text, "en").unwrap_or_else(|| panic!("{text}"));
            let or = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
            let found = format!(
                "{} {} {} {}",
                or(when.date.map(|it| it.to_string())),
                or(when.time.map(|it| it.to_string())),
                or(when.rule),
                when.from.name()
            );
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_guessed() {
        for text in [
            "tomorrow",
            "next monday",
            "every 3",
            "every day until 2027-01-01",
            "2026-02-31",
            "3/4/2026",
            "every",
            "every 0 days",
            "every feb 31",
            "every day starting may 1",
            "25:00",
            "é",
        ] {
            assert_eq!(parse(text, "en"), None, "{text}");
        }
        assert_eq!(parse("every day", "de"), None);
    }
}
