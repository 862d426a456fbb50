//! JSON lines: a list or a task each, with the fields of the API and those that it does
//! not show.
//!
//! Strict where it is Todoward's own: a field with a value that the API would refuse
//! makes the file invalid. A field that Todoward does not have is dropped, and told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::document::{
    Document, DroppedItem, Identity, Invalid, ListItem, TaskItem, itself,
};
use crate::lists::input::NewList;
use crate::primitives::field_error::FieldError;
use crate::primitives::id::ResourceId;
use crate::primitives::json::{self, Map, Value};
use crate::primitives::position::is_position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::fields::day;
use crate::tasks::input::{NewTask, Written};
use crate::tasks::model::Trashed;
use crate::tasks::query::instant;
use crate::tasks::series::{Recurrence, RecurrencePatch};

/// Fields of a list that are read here or, where they follow from others, ignored.
const OF_LISTS: [&str; 10] = [
    "id",
    "owner_id",
    "name",
    "color",
    "archived",
    "position",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// The fields of a task but for [`Written::FIELDS`].
const OF_TASKS: [&str; 14] = [
    "id",
    "owner_id",
    "completed_at",
    "due_at",
    "list_id",
    "parent_id",
    "position",
    "next_id",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
    "deleted_with",
    "series",
];

/// The highest version that a file can say: every program reads it exactly, and there is room
/// above it.
const MAX_VERSION: i64 = 1 << 53;

/// The max length of a line, in bytes: twice that of the largest task, with every
/// character escaped. Its values cost more memory than their text.
const LONGEST_LINE: usize = 1024 * 1024;

/// Reads a file whole.
///
/// # Errors
///
/// What is wrong, and on which line.
pub fn read(file: &[u8], max: usize) -> Result<Document, Invalid> {
    let mut reader = Reader {
        max,
        ..Reader::default()
    };
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = match line.len() > LONGEST_LINE {
            true => Err("is longer than 1 MiB: it is no task, and no list".to_owned()),
            false => reader.line(number, line),
        };
        read.map_err(|detail| Invalid {
            line: number,
            detail,
        })?;
    }
    Ok(reader.document())
}

type Read<T> = Result<T, String>;

#[derive(Default)]
struct Reader {
    max: usize,
    document: Document,
    lists: Named,
    tasks: Named,
    /// The list and the parent of each task, as the file names them.
    places: Vec<(Option<String>, Option<String>)>,
}

/// Which item has an id.
#[derive(Default)]
struct Named(HashMap<String, (usize, u64)>);

impl Named {
    fn add(&mut self, id: Option<String>, index: usize, line: u64) -> Read<()> {
        match id.map(|id| self.0.entry(id)) {
            Some(Entry::Occupied(first)) => Err(format!(
                "has the id {:?}, which stands on line {} already",
                first.key(),
                first.get().1
            )),
            Some(Entry::Vacant(free)) => {
                free.insert((index, line));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn get(&self, id: &str) -> Option<usize> {
        self.0.get(id).map(|(index, _)| *index)
    }
}

impl Reader {
    fn line(&mut self, number: u64, line: &[u8]) -> Read<()> {
        let value = json::parse(line).map_err(|error| {
            let why = json::why_refused(line, &error);
            why.replace("the body", "the line").replace("line 1, ", "")
        })?;
        let text = String::from_utf8_lossy(line.trim_ascii());
        let members = value.as_object().filter(|members| members.len() == 1);
        match members.and_then(|members| members.iter().next()) {
            Some((kind, Value::Object(list))) if kind == "list" => self.list(number, list, &text),
            Some((kind, Value::Object(task))) if kind == "task" => self.task(number, task, &text),
            _ => Err("must be {\"list\": {…}} or {\"task\": {…}}".to_owned()),
        }
    }

    fn list(&mut self, line: u64, fields: &Map<String, Value>, text: &str) -> Read<()> {
        let index = self.document.lists.len();
        if index == self.max {
            return Err(format!("is one list too many: at most {}", self.max));
        }
        let new = NewList::parse(&only(fields, &OF_LISTS)).map_err(first)?;
        let (name, color, archived) = new.into_written();
        let of_server = OfServer::read(fields)?;
        let id = id(fields, "id")?;
        self.lists.add(id.clone(), index, line)?;
        let unknown = fields
            .keys()
            .filter(|field| !OF_LISTS.contains(&field.as_str()));
        for field in unknown {
            let detail = "is not a field of a list";
            note(&mut self.document, line, name.as_str(), field, detail);
        }
        self.document.lists.push(ListItem {
            line,
            identity: identity(id, text),
            name,
            color,
            archived,
            position: of_server.position,
            created_at: of_server.created_at,
            version: of_server.version,
            updated_at: of_server.updated_at,
            deleted_at: of_server.deleted_at,
        });
        Ok(())
    }

    fn task(&mut self, line: u64, fields: &Map<String, Value>, text: &str) -> Read<()> {
        let index = self.document.tasks.len();
        if index == self.max {
            return Err(format!("is one task too many: at most {}", self.max));
        }
        let series = series(fields)?;
        let names = Written::FIELDS
            .iter()
            .filter(|name| **name != "recurrence" || series.is_none());
        let names: Vec<&str> = names.copied().collect();
        let new = NewTask::parse(&only(fields, &names)).map_err(first)?;
        let mut new = new.into_written();
        if series.is_some() && new.schedule.date.is_none() {
            return Err("recurrence needs a due_date".to_owned());
        }
        new.schedule.recurrence = series.or(new.schedule.recurrence);
        let of_server = OfServer::read(fields)?;
        let id = id(fields, "id")?;
        let (own, title) = (id.as_deref().and_then(ResourceId::parse), &new.title);
        let (list, parent) = (self::id(fields, "list_id")?, self::id(fields, "parent_id")?);
        let completed_at = moment(fields, "completed_at")?;
        self.tasks.add(id.clone(), index, line)?;
        let mut drop = |field: &str, detail: &str| {
            note(&mut self.document, line, title.as_str(), field, detail);
        };
        let mut reference = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let id = value.as_str().and_then(ResourceId::parse);
                if id.is_none() {
                    drop(field, "is no id of Todoward's");
                }
                id
            }
        };
        let next_id = reference("next_id");
        let deleted_with = reference("deleted_with");
        let trashed = of_server.deleted_at.map(|at| Trashed {
            at,
            with: deleted_with.or(own).unwrap_or_else(itself),
        });
        if !new.completed && completed_at.is_some() {
            drop("completed_at", "the task is not completed");
        }
        let has = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
        if has("due_at") && new.schedule.date.is_none() {
            drop(
                "due_at",
                "follows from due_date, due_time and time_zone, which are not there",
            );
        }
        for field in fields.keys() {
            let field = field.as_str();
            if !Written::FIELDS.contains(&field) && !OF_TASKS.contains(&field) {
                drop(field, "is not a field of a task");
            }
        }
        self.places.push((list, parent));
        self.document.tasks.push(TaskItem {
            line,
            identity: identity(id, text),
            completed_at: completed_at.filter(|_| new.completed),
            written: new,
            list: None,
            parent: None,
            position: of_server.position,
            next_id,
            created_at: of_server.created_at,
            version: of_server.version,
            updated_at: of_server.updated_at,
            trashed,
        });
        Ok(())
    }

    /// The document, with its lists and parents found.
    fn document(self) -> Document {
        let Self {
            mut document,
            lists,
            tasks,
            places,
            max: _,
        } = self;
        let Document {
            tasks: items,
            dropped,
            ..
        } = &mut document;
        for (item, (list, parent)) in items.iter_mut().zip(places) {
            item.list = list.as_deref().and_then(|id| lists.get(id));
            item.parent = parent.as_deref().and_then(|id| tasks.get(id));
            let mut missing = |field: &str, detail: &str| {
                dropped.push(DroppedItem {
                    line: item.line,
                    item: item.written.title.as_str().to_owned(),
                    field: field.to_owned(),
                    detail: detail.to_owned(),
                });
            };
            if list.is_some() && item.list.is_none() && item.parent.is_none() {
                missing(
                    "list_id",
                    "the list is not in the file; the task goes to the inbox",
                );
            }
            if parent.is_some() && item.parent.is_none() {
                missing(
                    "parent_id",
                    "the task above is not in the file; this one goes to the top level",
                );
            }
        }
        document.cut_cycles();
        document
    }
}

/// Fields that only the server writes, of lists and tasks alike.
struct OfServer {
    position: Option<String>,
    created_at: Option<Timestamp>,
    version: Option<i64>,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

impl OfServer {
    fn read(fields: &Map<String, Value>) -> Read<Self> {
        let position = match fields.get("position") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let position = value.as_str().filter(|text| is_position(text));
                let position = position.ok_or("position must be one that Todoward has given")?;
                Some(position.to_owned())
            }
        };
        let version = match fields.get("version") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let is_version = |version: &i64| (1..=MAX_VERSION).contains(version);
                let version = value.as_i64().filter(is_version);
                Some(version.ok_or("version must be a whole number from 1 to 2^53")?)
            }
        };
        Ok(Self {
            position,
            version,
            created_at: moment(fields, "created_at")?,
            updated_at: moment(fields, "updated_at")?,
            deleted_at: moment(fields, "deleted_at")?,
        })
    }
}

/// The first error as a sentence.
fn first(errors: Vec<FieldError>) -> String {
    let errors = errors.first().map(FieldError::sentence);
    errors.unwrap_or_default()
}

/// An object with these fields only.
fn only(fields: &Map<String, Value>, names: &[&str]) -> Value {
    let known = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone())));
    Value::Object(known.collect())
}

/// An id of Todoward's, or one that another program has given: a number or a text.
fn id(fields: &Map<String, Value>, field: &str) -> Read<Option<String>> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if (1..=255).contains(&id.len()) => Ok(Some(id.clone())),
        Some(Value::Number(id)) => Ok(Some(id.to_string())),
        Some(_) => Err(format!(
            "{field} must be null, a number, or a text of at most 255 bytes"
        )),
    }
}

fn identity(id: Option<String>, line: &str) -> Identity {
    match id.map(|id| ResourceId::parse(&id).ok_or(id)) {
        Some(Ok(id)) => Identity::Id(id),
        Some(Err(other)) => Identity::Uid(other),
        None => Identity::Content(line.to_owned()),
    }
}

fn moment(fields: &Map<String, Value>, field: &str) -> Read<Option<Timestamp>> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(instant) {
            Some(moment) => Ok(Some(moment)),
            None => Err(format!(
                "{field} must be null or an instant of RFC 3339, as 2026-12-01T09:00:00Z"
            )),
        },
    }
}

/// A recurrence with its place in its series, which the API does not show.
fn series(fields: &Map<String, Value>) -> Read<Option<Recurrence>> {
    let Some(series) = fields.get("series").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let anchor = series.get("anchor").and_then(Value::as_str).and_then(day);
    let before = series.get("before").and_then(Value::as_u64);
    let before = before.and_then(|before| u32::try_from(before).ok());
    let (Some(anchor), Some(before)) = (anchor, before) else {
        return Err(
            "series must be null or an object with anchor, a day, and before, a number".to_owned(),
        );
    };
    let recurrence = fields.get("recurrence").unwrap_or(&Value::Null);
    let Some(patch) = RecurrencePatch::parse(recurrence).map_err(first)? else {
        return Err("series needs a recurrence".to_owned());
    };
    let (rule, from) = patch.merge(None).map_err(|error| first(vec![error]))?;
    Ok(Some(
        Recurrence::begin(rule, from, anchor).placed(anchor, before),
    ))
}

fn note(document: &mut Document, line: u64, item: &str, field: &str, detail: &str) {
    document.dropped.push(DroppedItem {
        line,
        item: item.to_owned(),
        field: field.to_owned(),
        detail: detail.to_owned(),
    });
}
