//! todo.txt: a line a task.

use std::collections::{HashMap, HashSet};

use super::super::marks;
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::tasks::fields::Priority;
use crate::tasks::model::Task;
use crate::tasks::series::From;
use crate::tasks::tags::Tags;

/// What each list is called as a project: two lists of one name stay two.
pub fn projects(lists: &[List]) -> HashMap<ResourceId, String> {
    let mut taken = HashSet::new();
    let mut times: HashMap<String, u64> = HashMap::new();
    let mut projects = HashMap::new();
    for list in lists {
        let name = token(list.name.as_str());
        let count = times.entry(name.clone()).or_default();
        let project = loop {
            *count += 1;
            let candidate = match *count {
                1 => name.clone(),
                n => format!("{name}_{n}"),
            };
            if taken.insert(candidate.clone()) {
                break candidate;
            }
        };
        projects.insert(list.id, project);
    }
    projects
}

/// A text as one word.
fn token(text: &str) -> String {
    let one = |c: char| if is_space(c) { '_' } else { c };
    text.chars().map(one).collect()
}

/// What ends a word, or a line, in one program or another.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Writes a task.
pub fn task(task: &Task, projects: &HashMap<ResourceId, String>, out: &mut Vec<u8>) {
    let mut line = String::new();
    let letter = match task.priority {
        Priority::High => Some('A'),
        Priority::Medium => Some('B'),
        Priority::Low => Some('C'),
        Priority::None => None,
    };
    let created = task.id.created_at().utc().date_naive();
    if task.completed {
        line.push_str("x ");
        if let Some(at) = task.completed_at {
            line.push_str(&format!("{} ", at.utc().date_naive()));
            line.push_str(&format!("{created} "));
        }
    } else {
        if let Some(letter) = letter {
            line.push_str(&format!("({letter}) "));
        }
        line.push_str(&format!("{created} "));
    }
    let title = task.title.as_str().replace("\r\n", " ");
    let title = title.replace(|c: char| is_space(c) && c != ' ' && c != '\u{a0}', " ");
    for (at, word) in title.split(' ').enumerate() {
        if at > 0 {
            line.push(' ');
        }
        line.push_str(&marks::protected(word, at == 0));
    }
    if let Some(project) = task.list_id.and_then(|list| projects.get(&list)) {
        line.push_str(&format!(" +{project}"));
    }
    for tag in Tags::texts(task.tags.column()) {
        line.push_str(&format!(" @{}", token(&tag)));
    }
    if let Some(date) = task.schedule.date {
        line.push_str(&format!(" due:{date}"));
    }
    if let Some(rule) = recurrence(task) {
        line.push_str(&format!(" rec:{rule}"));
    }
    if let Some(letter) = letter.filter(|_| task.completed) {
        line.push_str(&format!(" pri:{letter}"));
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

/// A rule as `rec:` has it, if it can.
fn recurrence(task: &Task) -> Option<String> {
    let recurrence = task.schedule.recurrence.as_ref()?;
    let sign = match recurrence.from() {
        From::Due => "+",
        From::Completion => "",
    };
    let rule = recurrence.rule();
    if rule == "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR" {
        return Some(format!("{sign}1b"));
    }
    let (frequency, interval) = rule.split_once(";INTERVAL=").unwrap_or((rule, "1"));
    let unit = match frequency {
        "FREQ=DAILY" => 'd',
        "FREQ=WEEKLY" => 'w',
        "FREQ=MONTHLY" => 'm',
        "FREQ=YEARLY" => 'y',
        _ => return None,
    };
    let is_number = interval.len() <= 4 && interval.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{sign}{interval}{unit}"))
}
