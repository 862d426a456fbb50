//! VTODO components of RFC 5545.

use std::collections::HashMap;

use crate::interchange::rrule;
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::fields::Priority;
use crate::tasks::model::Task;
use crate::tasks::series::From;
use crate::tasks::tags::Tags;

/// The begin of the file, and the lists, which RFC 5545 does not know.
pub fn begin<'a>(lists: impl Iterator<Item = &'a List>, out: &mut Vec<u8>) {
    for text in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Todoward//Todoward//EN",
    ] {
        line(text, out);
    }
    for list in lists {
        let color = list.color.as_ref().map_or_else(String::new, |color| {
            format!(";X-COLOR=\"{}\"", color.as_str())
        });
        let archived = if list.archived {
            ";X-ARCHIVED=TRUE"
        } else {
            ""
        };
        let name = escaped(list.name.as_str());
        line(
            &format!("X-TODOWARD-LIST;X-ID={}{color}{archived}:{name}", list.id),
            out,
        );
    }
}

/// The end of the file.
pub fn end(out: &mut Vec<u8>) {
    line("END:VCALENDAR", out);
}

/// The zone that a due time needs the description of.
pub fn zone(task: &Task) -> Option<&str> {
    task.schedule.zone.as_deref().filter(|zone| *zone != "UTC")
}

/// Writes a task.
pub fn task(task: &Task, lists: &HashMap<ResourceId, List>, out: &mut Vec<u8>) {
    let mut put = |name: &str, value: &str| line(&format!("{name}:{value}"), out);
    put("BEGIN", "VTODO");
    put("UID", &task.id.to_string());
    put("DTSTAMP", &utc(task.updated_at));
    put("CREATED", &utc(task.id.created_at()));
    put("LAST-MODIFIED", &utc(task.updated_at));
    put("SUMMARY", &escaped(task.title.as_str()));
    if let Some(description) = &task.description {
        put("DESCRIPTION", &escaped(description.as_str()));
    }
    if task.completed {
        put("STATUS", "COMPLETED");
        if let Some(at) = task.completed_at {
            put("COMPLETED", &utc(at));
        }
        put("PERCENT-COMPLETE", "100");
    } else {
        put("STATUS", "NEEDS-ACTION");
    }
    match task.priority {
        Priority::None => {}
        Priority::Low => put("PRIORITY", "9"),
        Priority::Medium => put("PRIORITY", "5"),
        Priority::High => put("PRIORITY", "1"),
    }
    schedule(task, &mut put);
    let tags = Tags::texts(task.tags.column());
    if !tags.is_empty() {
        let tags: Vec<String> = tags.iter().map(|tag| escaped(tag)).collect();
        put("CATEGORIES", &tags.join(","));
    }
    if let Some(parent) = task.parent_id {
        put("RELATED-TO;RELTYPE=PARENT", &parent.to_string());
    }
    if let Some(list) = task.list_id.and_then(|list| lists.get(&list)) {
        put("X-TODOWARD-LIST-ID", &list.id.to_string());
    }
    let position = task.position.clone();
    let position = position.unwrap_or_else(|| position::of_id(task.id));
    put("X-TODOWARD-POSITION", &position);
    put("END", "VTODO");
}

/// When it is due. A rule counts from DTSTART, which so has the value of DUE.
fn schedule(task: &Task, put: &mut impl FnMut(&str, &str)) {
    let Some(date) = task.schedule.date else {
        return;
    };
    let day = date.format("%Y%m%d");
    let (parameters, value) = match (task.schedule.time, task.schedule.zone.as_deref()) {
        (None, _) => (";VALUE=DATE".to_owned(), day.to_string()),
        (Some(time), zone) => {
            let time = time.to_string().replace(':', "");
            match zone {
                Some("UTC") => (String::new(), format!("{day}T{time}00Z")),
                Some(zone) => (format!(";TZID={zone}"), format!("{day}T{time}00")),
                None => (String::new(), format!("{day}T{time}00")),
            }
        }
    };
    if let Some(recurrence) = &task.schedule.recurrence {
        put(&format!("DTSTART{parameters}"), &value);
        let (time, zone) = (task.schedule.time, task.schedule.zone.as_deref());
        let (rule, is_same) = rrule::written(recurrence, date, time, zone);
        put("RRULE", &rule);
        if !is_same || recurrence.from() != From::Due {
            let from = recurrence.from().name().to_ascii_uppercase();
            put(
                &format!("X-TODOWARD-RRULE;X-FROM={from}"),
                recurrence.rule(),
            );
        }
    }
    put(&format!("DUE{parameters}"), &value);
}

fn utc(at: Timestamp) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// A TEXT value. Control characters other than tabs and line breaks must not be in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => out.push_str("\\n"),
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes a content line, folded at 75 bytes and never inside a character: readers that
/// decode before they unfold exist.
pub fn line(text: &str, out: &mut Vec<u8>) {
    let mut width = 0;
    for c in text.chars() {
        if width + c.len_utf8() > 75 {
            out.extend_from_slice(b"\r\n ");
            width = 1;
        }
        width += c.len_utf8();
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}
