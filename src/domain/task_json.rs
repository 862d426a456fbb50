//! Tasks as JSON (RFC 8259), for every answer that has some.
//!
//! A page is little else, so they are written by hand, and straight from their
//! rows: a serializer looks through each of twelve names for what needs an escape,
//! each time, and a [`Task`] copies three texts that are then read once.

use chrono::NaiveDate;
use serde_json::{Result, to_writer};

use super::fields::Priority;
use super::tags::Tags;
use super::task::{Moment, Task, TaskId};
use crate::auth::OwnerId;

/// As long as all of a task is but its texts, or a little longer, in bytes.
const WITHOUT_TEXTS: usize = 360;

/// What a task says, but whose it is, borrowed from where it lies. The members are
/// those of a [`Task`].
#[expect(missing_docs, reason = "said at the task")]
pub struct Content<'a> {
    pub id: TaskId,
    pub title: &'a str,
    pub description: Option<&'a str>,
    pub completed: bool,
    pub completed_at: Option<Moment>,
    pub priority: Priority,
    pub due_date: Option<NaiveDate>,
    /// As their column has them.
    pub tags: &'a str,
    pub version: i64,
    pub updated_at: Moment,
}

/// A task that is written already, but for its owner: no row names him, who was
/// asked for.
#[derive(Debug)]
pub struct TaskJson {
    id: TaskId,
    /// All behind the owner.
    rest: Vec<u8>,
}

impl Task {
    /// The task as an object, appended to `out`.
    ///
    /// # Errors
    ///
    /// Somebody else has written the column of the tags, and not JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<()> {
        let content = self.content();
        out.reserve(content.size() + self.owner_id.as_str().len());
        write_id_and_owner(out, self.id, &self.owner_id)?;
        content.write_rest(out)
    }

    /// What it says.
    pub fn content(&self) -> Content<'_> {
        Content {
            id: self.id,
            title: self.title.as_str(),
            description: self.description.as_ref().map(|text| text.as_str()),
            completed: self.completed,
            completed_at: self.completed_at,
            priority: self.priority,
            due_date: self.due_date,
            tags: self.tags.column(),
            version: self.version,
            updated_at: self.updated_at,
        }
    }
}

impl TaskJson {
    /// Writes a task.
    ///
    /// # Errors
    ///
    /// As [`Task::write_json`].
    pub fn of(content: &Content<'_>) -> Result<Self> {
        let mut rest = Vec::with_capacity(content.size());
        content.write_rest(&mut rest)?;
        let id = content.id;
        Ok(Self { id, rest })
    }

    /// Its address.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// How long it is, or a little more, in bytes.
    pub fn size(&self, owner: &OwnerId) -> usize {
        self.rest.len() + owner.as_str().len() + 64
    }

    /// Appends to `out` what [`Task::write_json`] would.
    ///
    /// # Errors
    ///
    /// None: it is only the writer's type that has them.
    pub fn write(&self, owner: &OwnerId, out: &mut Vec<u8>) -> Result<()> {
        write_id_and_owner(out, self.id, owner)?;
        out.extend_from_slice(&self.rest);
        Ok(())
    }
}

fn write_id_and_owner(out: &mut Vec<u8>, id: TaskId, owner: &OwnerId) -> Result<()> {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id.text());
    out.extend_from_slice(b"\",\"owner_id\":");
    write_text(out, owner.as_str())
}

impl Content<'_> {
    /// How long the task is if nothing of it needs an escape, but for its owner.
    fn size(&self) -> usize {
        let description = self.description.unwrap_or_default();
        WITHOUT_TEXTS + self.title.len() + description.len() + self.tags.len()
    }

    fn write_rest(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b",\"title\":");
        write_text(out, self.title)?;
        out.extend_from_slice(b",\"description\":");
        or_null(out, self.description, write_text)?;
        out.extend_from_slice(b",\"completed\":");
        out.extend_from_slice(if self.completed { b"true" } else { b"false" });
        out.extend_from_slice(b",\"completed_at\":");
        or_null(out, self.completed_at, write_moment)?;
        out.extend_from_slice(b",\"priority\":\"");
        out.extend_from_slice(self.priority.name().as_bytes());
        out.extend_from_slice(b"\",\"due_date\":");
        to_writer(&mut *out, &self.due_date)?;
        out.extend_from_slice(b",\"tags\":");
        Tags::write_json(self.tags, out)?;
        out.extend_from_slice(b",\"version\":");
        to_writer(&mut *out, &self.version)?;
        out.extend_from_slice(b",\"created_at\":");
        write_moment(out, self.id.created_at())?;
        out.extend_from_slice(b",\"updated_at\":");
        write_moment(out, self.updated_at)?;
        out.push(b'}');
        Ok(())
    }
}

fn or_null<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    write: impl FnOnce(&mut Vec<u8>, T) -> Result<()>,
) -> Result<()> {
    match value {
        Some(value) => write(out, value),
        None => {
            out.extend_from_slice(b"null");
            Ok(())
        }
    }
}

/// Few texts need an escape; all others are copied.
fn write_text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    let is_escaped = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
    // To the end, whatever it finds: so it looks at many at once.
    let any = text.bytes().fold(false, |any, byte| any | is_escaped(byte));
    if any {
        return to_writer(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

fn write_moment(out: &mut Vec<u8>, moment: Moment) -> Result<()> {
    out.push(b'"');
    match moment.text() {
        Some(text) => out.extend_from_slice(&text),
        None => out.extend_from_slice(moment.to_string().as_bytes()),
    }
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;

    /// What is written of this, as a reader of JSON has it.
    fn written(content: &Content<'_>) -> Value {
        let task = TaskJson::of(content).unwrap();
        // The owner's part is an object with one member less.
        let head = format!("{{\"id\":\"{}\"", content.id);
        serde_json::from_slice(&[head.as_bytes(), &task.rest].concat()).unwrap()
    }

    #[test]
    fn a_task_is_written_as_a_serializer_would() {
        let every_control: String = ('\0'..='\u{9f}').collect();
        let texts = [
            "Buy milk",
            "\"",
            "\\",
            "\u{7f}",
            "a quote\" behind\n thirty-two letters, or more",
            "🦀 é \u{2028}",
            &every_control,
        ];
        let id = TaskId::generate();
        let moment = Moment::now();
        let beyond = Moment::new(DateTime::<chrono::Utc>::MAX_UTC);
        for text in texts {
            for (description, at, day) in [
                (None, None, None),
                (
                    Some(text),
                    Some(beyond),
                    NaiveDate::from_ymd_opt(2026, 2, 9),
                ),
            ] {
                let content = Content {
                    id,
                    title: text,
                    description,
                    completed: at.is_some(),
                    completed_at: at,
                    priority: Priority::High,
                    due_date: day,
                    tags: "[\n\"home\",\n\"a, b\"]",
                    version: i64::MAX,
                    updated_at: moment,
                };
                let wanted = json!({
                    "id": id.to_string(),
                    "title": text,
                    "description": description,
                    "completed": at.is_some(),
                    "completed_at": at,
                    "priority": "high",
                    "due_date": day,
                    "tags": ["home", "a, b"],
                    "version": i64::MAX,
                    "created_at": id.created_at(),
                    "updated_at": moment,
                });
                assert_eq!(written(&content), wanted);
            }
        }
    }

    #[test]
    fn the_members_have_one_order_and_there_is_room_for_them() {
        let content = Content {
            id: TaskId::parse("01a1f7e7-b530-74f8-94e4-b4dc1460f2f1").unwrap(),
            title: "Buy milk",
            description: None,
            completed: false,
            completed_at: None,
            priority: Priority::None,
            due_date: NaiveDate::from_ymd_opt(2026, 12, 1),
            tags: "[\n\"home\"]",
            version: 1,
            updated_at: Moment::new(DateTime::UNIX_EPOCH),
        };
        let task = TaskJson::of(&content).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&task.rest),
            r#","title":"Buy milk","description":null,"completed":false,"completed_at":null,"priority":"none","due_date":"2026-12-01","tags":["home"],"version":1,"created_at":"2026-11-20T07:41:59.984Z","updated_at":"1970-01-01T00:00:00.000Z"}"#
        );
        let longest = Content {
            completed_at: Some(content.updated_at),
            priority: Priority::Medium,
            version: i64::MAX,
            ..content
        };
        let task = TaskJson::of(&longest).unwrap();
        assert_eq!(task.rest.capacity(), longest.size());
    }

    #[test]
    fn a_text_is_written_byte_for_byte_as_a_serializer_writes_it() {
        // Each character that is below, at, or above a limit, at each place of a
        // text that is looked at in pieces.
        for odd in "\0\u{1f} !\"#[\\]\u{7f}é".chars() {
            for at in 0..70 {
                let text: String = (0..70).map(|n| if n == at { odd } else { 'x' }).collect();
                let mut out = Vec::new();
                write_text(&mut out, &text).unwrap();
                assert_eq!(out, serde_json::to_vec(&text).unwrap());
            }
        }
    }
}
