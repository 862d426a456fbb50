//! A table with a header, for spreadsheets.

use std::borrow::Cow;
use std::collections::HashMap;

use csv::{Terminator, WriterBuilder};

use super::super::columns::{COLUMNS, FORMULA_SIGN, is_formula};
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::primitives::position;
use crate::tasks::model::Task;
use crate::tasks::tags::Tags;

/// Writes the header.
pub fn header(out: &mut Vec<u8>) {
    record(COLUMNS.iter().map(|column| Cow::Borrowed(*column)), out);
}

/// Writes a task.
pub fn task(task: &Task, lists: &HashMap<ResourceId, List>, out: &mut Vec<u8>) {
    let schedule = &task.schedule;
    let recurrence = schedule.recurrence.as_ref();
    let text = |value: Option<String>| Cow::Owned(value.unwrap_or_default());
    let list = task.list_id.and_then(|id| lists.get(&id));
    let position = task.position.clone();
    let cells: [Cow<'_, str>; COLUMNS.len()] = [
        text(Some(task.id.to_string())),
        Cow::Borrowed(task.title.as_str()),
        Cow::Borrowed(task.description.as_ref().map_or("", |it| it.as_str())),
        Cow::Borrowed(if task.completed { "true" } else { "false" }),
        text(task.completed_at.map(|at| at.to_string())),
        Cow::Borrowed(task.priority.name()),
        text(schedule.date.map(|date| date.to_string())),
        text(schedule.time.map(|time| time.to_string())),
        Cow::Borrowed(schedule.zone.as_deref().unwrap_or_default()),
        Cow::Borrowed(recurrence.map_or("", |it| it.rule())),
        Cow::Borrowed(recurrence.map_or("", |it| it.from().name())),
        Cow::Owned(tags(task.tags.column())),
        Cow::Borrowed(list.map_or("", |list| list.name.as_str())),
        text(task.list_id.map(|id| id.to_string())),
        text(task.parent_id.map(|id| id.to_string())),
        Cow::Owned(position.unwrap_or_else(|| position::of_id(task.id))),
        text(Some(task.id.created_at().to_string())),
        text(Some(task.updated_at.to_string())),
    ];
    record(cells.into_iter().map(safe), out);
}

/// One tag a line; as JSON where that would be ambiguous.
fn tags(column: &str) -> String {
    let tags = Tags::texts(column);
    let is_plain = !tags
        .iter()
        .any(|tag| tag.contains('\n') || tag.starts_with('['));
    match is_plain {
        true => tags.join("\n"),
        false => serde_json::to_string(&tags).unwrap_or_default(),
    }
}

/// A cell that no spreadsheet calculates.
fn safe(cell: Cow<'_, str>) -> Cow<'_, str> {
    match is_formula(&cell) {
        true => Cow::Owned(format!("{FORMULA_SIGN}{cell}")),
        false => cell,
    }
}

fn record<'a>(cells: impl Iterator<Item = Cow<'a, str>>, out: &mut Vec<u8>) {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .buffer_capacity(1024)
        .from_writer(out);
    for cell in cells {
        // A vector takes everything.
        let _ = writer.write_field(cell.as_bytes());
    }
    let _ = writer.write_record(None::<&[u8]>);
    let _ = writer.flush();
}
