//! Request bodies: a new task, a merge patch (RFC 7396) of an existing one, and the
//! body of `PATCH /tasks/{id}/complete`.

use chrono::NaiveDate;

use super::fields::{self, Description, Priority, Title};
use super::model::Task;
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::timestamp::Timestamp;

/// Fields that only the server writes. In a request they are ignored, whatever
/// their value, so that a client can send back what it has read.
pub const WRITTEN_BY_THE_SERVER: [&str; 6] = [
    "id",
    "owner_id",
    "completed_at",
    "version",
    "created_at",
    "updated_at",
];

/// A merge patch: an absent field is kept, null clears a nullable one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    title: Option<Title>,
    description: Option<Option<Description>>,
    completed: Option<bool>,
    priority: Option<Priority>,
    due_date: Option<Option<NaiveDate>>,
    tags: Option<Tags>,
}

impl Patch {
    /// Parses a patch; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let members = object(body)?;
        let mut patch = Self::default();
        let mut errors = Vec::new();
        for (name, value) in members {
            let result = match name.as_str() {
                "title" => Title::parse(value).map(|title| patch.title = Some(title)),
                "description" => {
                    Description::parse(value).map(|text| patch.description = Some(text))
                }
                "completed" => fields::completed(value).map(|done| patch.completed = Some(done)),
                "priority" => {
                    Priority::parse(value).map(|priority| patch.priority = Some(priority))
                }
                "due_date" => fields::due_date(value).map(|day| patch.due_date = Some(day)),
                "tags" => {
                    match Tags::parse(value) {
                        Ok(tags) => patch.tags = Some(tags),
                        Err(wrong) => errors.extend(wrong.into_iter().map(|(index, why)| {
                            let at = index.map_or_else(String::new, |index| format!("/{index}"));
                            FieldError::in_body(format!("/tags{at}"), why)
                        })),
                    }
                    Ok(())
                }
                name if WRITTEN_BY_THE_SERVER.contains(&name) => Ok(()),
                name => {
                    errors.push(FieldError::unknown_field(name));
                    Ok(())
                }
            };
            if let Err(why) = result {
                errors.push(FieldError::in_body(format!("/{name}"), why));
            }
        }
        // Invalid values before unknown fields: the first error becomes the `detail`.
        errors.sort_by_key(|error| error.unknown);
        if errors.is_empty() {
            Ok(patch)
        } else {
            Err(errors)
        }
    }

    /// The patched task, with the next version; none if the patch changes nothing.
    pub fn apply(&self, task: &Task, now: Timestamp) -> Option<Task> {
        let mut new = task.clone();
        if let Some(title) = &self.title {
            new.title.clone_from(title);
        }
        if let Some(description) = &self.description {
            new.description.clone_from(description);
        }
        if let Some(completed) = self.completed.filter(|done| *done != task.completed) {
            new.completed = completed;
            new.completed_at = completed.then_some(now);
        }
        if let Some(priority) = self.priority {
            new.priority = priority;
        }
        if let Some(due_date) = self.due_date {
            new.due_date = due_date;
        }
        if let Some(tags) = &self.tags {
            new.tags.clone_from(tags);
        }
        if new == *task {
            return None;
        }
        new.version = task.version.saturating_add(1);
        new.updated_at = now;
        Some(new)
    }
}

/// A new task, without its owner, id and timestamps.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    title: Title,
    rest: Patch,
}

impl NewTask {
    /// Parses a new task; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let missing = || FieldError::in_body("/title", "is required");
        let has_title = object(body)?.contains_key("title");
        match Patch::parse(body) {
            Ok(mut patch) => match patch.title.take() {
                Some(title) => Ok(Self { title, rest: patch }),
                None => Err(vec![missing()]),
            },
            Err(mut errors) => {
                if !has_title {
                    errors.insert(0, missing());
                }
                Err(errors)
            }
        }
    }

    /// The task as it is stored for this owner, with this id, created at its time.
    pub fn into_task(self, owner: &OwnerId, id: ResourceId) -> Task {
        let now = id.created_at();
        let completed = self.rest.completed.unwrap_or(false);
        Task {
            id,
            owner_id: owner.clone(),
            title: self.title,
            description: self.rest.description.flatten(),
            completed,
            completed_at: completed.then_some(now),
            priority: self.rest.priority.unwrap_or_default(),
            due_date: self.rest.due_date.flatten(),
            tags: self.rest.tags.unwrap_or_default(),
            version: 1,
            updated_at: now,
        }
    }
}

/// What `PATCH /tasks/{id}/complete` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// An empty body: inverts `completed`.
    Toggle,
    /// Sets `completed` to this value.
    Set(bool),
}

impl Completion {
    /// Parses a body that is not empty; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let members = object(body)?;
        let mut errors = Vec::new();
        let mut completion = None;
        for (name, value) in members {
            match name.as_str() {
                "completed" => match fields::completed(value) {
                    Ok(completed) => completion = Some(Self::Set(completed)),
                    Err(why) => errors.push(FieldError::in_body("/completed", why)),
                },
                name if WRITTEN_BY_THE_SERVER.contains(&name) => {}
                name => errors.push(FieldError::unknown_field(name)),
            }
        }
        if !members.contains_key("completed") {
            let why = "is required; an empty body toggles";
            errors.push(FieldError::in_body("/completed", why));
        }
        errors.sort_by_key(|error| error.unknown);
        match completion {
            Some(completion) if errors.is_empty() => Ok(completion),
            _ => Err(errors),
        }
    }
}
