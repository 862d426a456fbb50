//! todo.txt: a line a task, with marks (<https://github.com/todotxt/todo.txt>).

use std::collections::HashMap;

use chrono::NaiveDate;

use super::collector::Collector;
use super::draft::{Draft, Names, shown};
use crate::interchange::document::{Document, Identity, Invalid};
use crate::interchange::marks;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::fields::{Priority, day};
use crate::tasks::series::From;

static NAMES: Names = Names {
    title: "text",
    description: "text",
    tags: "@context",
    recurrence: "rec",
    parent: "p",
    list: "+project",
};

/// The max length of a line, in bytes: its words cost more memory than their letters.
const LONGEST_LINE: usize = 1024 * 1024;

/// Reads a file whole.
pub fn read(text: &str, max: usize) -> Result<Document, Invalid> {
    let mut collector = Collector::new(max);
    let mut lists = HashMap::new();
    let mut tasks = 0;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            continue;
        }
        if line.len() > LONGEST_LINE {
            let detail = "this line is longer than 1 MiB: it is no task".to_owned();
            return Err(Invalid {
                line: number,
                detail,
            });
        }
        if tasks == 0
            && let Some(detail) = wrong_format(line)
        {
            return Err(Invalid {
                line: number,
                detail: detail.to_owned(),
            });
        }
        // Before it is read: as many long lines are enough.
        collector.may_follow(number, tasks)?;
        tasks += 1;
        let (mut draft, project) = task(number, line);
        if let Some(project) = project {
            draft.list = Some(match lists.get(&project) {
                Some(list) => *list,
                None => {
                    let identity = Identity::Content(project.clone());
                    let list = collector.list(number, identity, &project)?;
                    lists.insert(project, list);
                    list
                }
            });
        }
        collector.task(draft)?;
    }
    Ok(collector.finish())
}

/// What a first line shows that is no task: every text could be one, and a calendar would
/// become a task a line.
fn wrong_format(line: &str) -> Option<&'static str> {
    let line = line.trim();
    let starts = |prefix: &str| {
        let start = line.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts("BEGIN:VCALENDAR") {
        return Some(
            "this is an iCalendar file: send it as text/calendar, or with format=icalendar",
        );
    }
    if starts("{\"task\"") || starts("{\"list\"") {
        return Some(
            "these are JSON lines: send them as application/x-ndjson, or with format=ndjson",
        );
    }
    if matches!(line, "{" | "[") || starts("{\"") || starts("[{") {
        return Some(
            "this is JSON: send it as application/json, or with format=google or microsoft",
        );
    }
    if starts("TYPE,CONTENT,") || starts("id,title,") {
        return Some("this is a table: send it as text/csv, or with format=csv or todoist");
    }
    if starts("<!DOCTYPE") || starts("<html") || starts("<?xml") {
        return Some("this is a page of the web, or XML: it is no file of tasks");
    }
    None
}

/// The task of a line, and its project.
fn task(number: u64, line: &str) -> (Draft, Option<String>) {
    let mut draft = Draft::new(&NAMES, number, Identity::Content(line.to_owned()));
    let mut rest = line;
    if let Some(after) = rest.strip_prefix("x ") {
        draft.completed = true;
        rest = after;
    }
    if let Some((letter, after)) = marks::priority(rest) {
        priority(&mut draft, letter, "(A)");
        rest = after;
    }
    let (first, after) = leading_day(rest);
    rest = after;
    if draft.completed {
        let (second, after) = leading_day(rest);
        rest = after;
        draft.completed_at = first.and_then(midnight);
        draft.created_at = second.and_then(midnight);
    } else {
        draft.created_at = first.and_then(midnight);
    }
    let mut project = None;
    let mut recurrence = None;
    let tokens: Vec<&str> = rest.split(' ').collect();
    let is_mark = |token: &&str| {
        token.is_empty() || marks::sign(token).is_some() || known_pair(token).is_some()
    };
    // Marks behind the last word are no part of the sentence.
    let words = tokens.iter().rposition(|token| !is_mark(token));
    let mut title: Vec<String> = Vec::new();
    let mut has_words = false;
    for (at, token) in tokens.into_iter().enumerate() {
        if let Some((sign, name)) = marks::sign(token) {
            match sign {
                '+' if project.is_none() => project = Some(name.to_owned()),
                _ => draft.tag(name),
            }
            if words.is_some_and(|last| at < last) && has_words {
                title.push(name.to_owned());
            }
            continue;
        }
        match known_pair(token) {
            Some(("rec", value)) if recurrence.is_none() => recurrence = Some(value.to_owned()),
            Some((key, value)) => pair(&mut draft, key, value),
            None => {
                has_words |= !token.is_empty();
                title.push(marks::unprotected(token, title.is_empty()));
            }
        }
    }
    draft.title = title.join(" ").trim().to_owned();
    if let Some(value) = recurrence {
        repeat(&mut draft, &value);
    }
    (draft, project)
}

/// A pair of a key that means something here, and its value.
fn known_pair(token: &str) -> Option<(&str, &str)> {
    let (key, value) = token.split_once(':')?;
    let is_known = matches!(key, "due" | "t" | "h" | "pri" | "rec");
    (is_known && !value.is_empty()).then_some((key, value))
}

fn pair(draft: &mut Draft, key: &str, value: &str) {
    match (key, value) {
        ("due", value) => match day(value) {
            Some(date) if draft.date.is_none() => draft.date = Some(date),
            Some(_) => draft.drop(
                key,
                format!("{:?} is a second one, and left out", shown(value)),
            ),
            None => draft.drop(key, format!("{:?} is no day, and left out", shown(value))),
        },
        ("pri", value) => match marks::letter(value) {
            Some(letter) if draft.priority == Priority::None => priority(draft, letter, key),
            _ => draft.drop(
                key,
                format!("{:?} is left out: it is no priority A to Z", shown(value)),
            ),
        },
        ("t", value) => draft.drop(
            key,
            format!(
                "{:?} is left out: tasks have no day on which they begin",
                shown(value)
            ),
        ),
        ("h", "0") => {}
        (key, value) => draft.drop(
            key,
            format!(
                "{:?} is left out: Todoward has nothing for it",
                shown(value)
            ),
        ),
    }
}

fn priority(draft: &mut Draft, letter: char, field: &str) {
    draft.priority = match letter {
        'A' => Priority::High,
        'B' => Priority::Medium,
        _ => Priority::Low,
    };
    if letter > 'C' {
        draft.drop(field, format!("({letter}) is kept as low: there are three"));
    }
}

/// `rec:+1m`: from the due date; without the sign, from the day of completion.
fn repeat(draft: &mut Draft, value: &str) {
    let (from, count) = match value.strip_prefix('+') {
        Some(count) => (From::Due, count),
        None => (From::Completion, value),
    };
    let unit = count.chars().next_back().unwrap_or_default();
    let number = count.strip_suffix(unit).unwrap_or_default();
    let is_number = number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = match number {
        "" => Some(1),
        number => number
            .parse::<u32>()
            .ok()
            .filter(|number| is_number && *number > 0),
    };
    let rule = match (unit, number) {
        ('d', Some(number)) => Some(every("DAILY", number)),
        ('w', Some(number)) => Some(every("WEEKLY", number)),
        ('m', Some(number)) => Some(every("MONTHLY", number)),
        ('y', Some(number)) => Some(every("YEARLY", number)),
        ('b', Some(1)) => Some("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR".to_owned()),
        _ => None,
    };
    match rule {
        Some(rule) => (draft.rule, draft.from) = (Some(rule), from),
        None => draft.drop(
            "rec",
            format!(
                "{:?} is left out: it is no rule that is known",
                shown(value)
            ),
        ),
    }
}

/// A rule of a frequency and an interval.
pub fn every(frequency: &str, interval: u32) -> String {
    match interval {
        1 => format!("FREQ={frequency}"),
        _ => format!("FREQ={frequency};INTERVAL={interval}"),
    }
}

fn leading_day(text: &str) -> (Option<NaiveDate>, &str) {
    let (token, rest) = text.split_once(' ').unwrap_or((text, ""));
    match day(token) {
        Some(date) => (Some(date), rest),
        None => (None, text),
    }
}

fn midnight(date: NaiveDate) -> Option<Timestamp> {
    date.and_hms_opt(0, 0, 0).map(Timestamp::of_column)
}
