//! Request bodies: a new task, a merge patch (RFC 7396) of an existing one, and the
//! body of `PATCH /tasks/{id}/complete`.

use chrono::NaiveDate;
use diesel::QueryResult;

use super::fields::{self, Description, Priority, Title};
use super::model::Task;
use super::place::{self, Target};
use super::schedule::{Schedule, SchedulePatch};
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::idempotency::Draft;
use crate::db::order::Order as _;
use crate::db::statement::Failure;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::timestamp::Timestamp;

/// Fields that only the server writes. In a request they are ignored, whatever
/// their value, so that a client can send back what it has read.
pub const WRITTEN_BY_THE_SERVER: [&str; 10] = [
    "id",
    "owner_id",
    "completed_at",
    "due_at",
    "position",
    "next_id",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// A merge patch: an absent field is kept, null clears a nullable one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    title: Option<Title>,
    description: Option<Option<Description>>,
    completed: Option<bool>,
    priority: Option<Priority>,
    schedule: SchedulePatch,
    tags: Option<Tags>,
    target: Target,
}

impl Patch {
    /// Parses a patch; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        Self::parse_onto(body, true)
    }

    /// `is_change` says that what is absent may be there already.
    fn parse_onto(body: &Value, is_change: bool) -> Result<Self, Vec<FieldError>> {
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
                "list_id" => place::list_id(value).map(|list| patch.target.list = Some(list)),
                "parent_id" => {
                    place::parent_id(value).map(|parent| patch.target.parent = Some(parent))
                }
                name if WRITTEN_BY_THE_SERVER.contains(&name) => Ok(()),
                name => {
                    match patch.schedule.read(name, value) {
                        Some(read) => errors.extend(read.err().into_iter().flatten()),
                        None => errors.push(FieldError::unknown_field(name)),
                    }
                    Ok(())
                }
            };
            if let Err(why) = result {
                errors.push(FieldError::in_body(format!("/{name}"), why));
            }
        }
        // A field that is wrong is not missing.
        let has = |name: &str| is_change || members.contains_key(name);
        errors.extend(patch.schedule.contradictions(has));
        // Invalid values before unknown fields: the first error becomes the `detail`.
        errors.sort_by_key(|error| error.unknown);
        if errors.is_empty() {
            Ok(patch)
        } else {
            Err(errors)
        }
    }

    /// Where it puts a task.
    pub fn target(&self) -> Target {
        self.target
    }

    /// What it makes of `completed`.
    pub fn completed(&self) -> Option<bool> {
        self.completed
    }

    /// The task after the patch, in the version and the place that it has.
    ///
    /// # Errors
    ///
    /// What is set without what it needs, and a rule that has no date.
    pub fn apply(&self, task: &Task, now: Timestamp) -> Result<Task, Vec<FieldError>> {
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
        if let Some(tags) = &self.tags {
            new.tags.clone_from(tags);
        }
        new.schedule = self.schedule.apply(&task.schedule)?;
        Ok(new)
    }
}

/// A new task, without its owner, id and timestamps.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    written: Written,
    target: Target,
}

impl NewTask {
    /// Parses a new task; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let missing = || FieldError::in_body("/title", "is required");
        let has_title = object(body)?.contains_key("title");
        match Patch::parse_onto(body, false) {
            Ok(patch) => {
                let schedule = patch.schedule.apply(&Schedule::default());
                match (patch.title, schedule) {
                    (Some(title), Ok(schedule)) => Ok(Self {
                        written: Written {
                            title,
                            description: patch.description.flatten(),
                            completed: patch.completed.unwrap_or(false),
                            priority: patch.priority.unwrap_or_default(),
                            schedule,
                            tags: patch.tags.unwrap_or_default(),
                        },
                        target: patch.target,
                    }),
                    (title, schedule) => {
                        let mut errors = schedule.err().unwrap_or_default();
                        if title.is_none() {
                            errors.insert(0, missing());
                        }
                        Err(errors)
                    }
                }
            }
            Err(mut errors) => {
                if !has_title {
                    errors.insert(0, missing());
                }
                Err(errors)
            }
        }
    }

    /// What it says, but for its place.
    pub fn into_written(self) -> Written {
        self.written
    }
}

/// What a new task says, but for its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub title: Title,
    pub description: Option<Description>,
    pub completed: bool,
    pub priority: Priority,
    pub schedule: Schedule,
    pub tags: Tags,
}

impl Written {
    /// The members of a body that say it.
    pub const FIELDS: [&str; 9] = [
        "title",
        "description",
        "completed",
        "priority",
        "due_date",
        "due_time",
        "time_zone",
        "recurrence",
        "tags",
    ];

    /// A title, and nothing else.
    pub fn titled(title: Title) -> Self {
        Self {
            title,
            description: None,
            completed: false,
            priority: Priority::default(),
            schedule: Schedule::default(),
            tags: Tags::default(),
        }
    }

    /// The task that says it: new, in the inbox, at the top level.
    pub fn into_task(self, owner: &OwnerId, id: ResourceId) -> Task {
        let now = id.created_at();
        Task {
            id,
            owner_id: owner.clone(),
            title: self.title,
            description: self.description,
            completed: self.completed,
            completed_at: self.completed.then_some(now),
            priority: self.priority,
            schedule: self.schedule,
            tags: self.tags,
            list_id: None,
            parent_id: None,
            position: None,
            next_id: None,
            version: 1,
            updated_at: now,
            trashed: None,
        }
    }
}

impl Draft for NewTask {
    type Made = Task;

    fn make(&self, owner: &OwnerId, id: ResourceId) -> Task {
        Task {
            list_id: self.target.list.flatten(),
            parent_id: self.target.parent.flatten(),
            ..self.written.clone().into_task(owner, id)
        }
    }

    fn has_place(&self) -> bool {
        let Target { list, parent } = self.target;
        list.flatten().is_some() || parent.flatten().is_some()
    }

    fn place(&self, conn: &mut DbConnection, task: &mut Task) -> Result<(), Failure> {
        place::place_new(conn, self.target, task)
    }

    fn stand_last(
        &self,
        conn: &mut DbConnection,
        task: &mut Task,
        now: Timestamp,
    ) -> QueryResult<()> {
        let end = task.siblings().end(conn, &task.owner_id, task.id)?;
        task.position = Some(end);
        task.updated_at = now;
        task.completed_at = task.completed.then_some(now);
        Ok(())
    }

    fn found_list(&self, task: &Task) -> Option<ResourceId> {
        let is_found = self.target.takes_list_of_parent();
        task.list_id.filter(|_| is_found)
    }

    fn recall(&self, task: &mut Task, found: Option<ResourceId>) {
        if self.target.takes_list_of_parent() {
            task.list_id = found;
        }
    }
}

/// What `PATCH /tasks/{id}/complete` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Completion {
    /// What `completed` becomes; none is the opposite of what is.
    pub completed: Option<bool>,
    /// Whether the open tasks below are completed, too.
    pub subtasks: bool,
    /// The caller's today, from which a series goes on.
    pub on: Option<NaiveDate>,
}

impl Completion {
    /// Parses a body that is not empty; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let members = object(body)?;
        let mut errors = Vec::new();
        let mut completion = Self::default();
        for (name, value) in members {
            let result = match name.as_str() {
                "completed" => {
                    fields::completed(value).map(|done| completion.completed = Some(done))
                }
                "subtasks" => {
                    let all = value.as_bool().ok_or("must be true or false");
                    all.map(|all| completion.subtasks = all)
                }
                "on" => {
                    let day = value.as_str().and_then(fields::day);
                    let day = day.ok_or("must be a day as YYYY-MM-DD in the years 1970 to 9999");
                    day.map(|day| completion.on = Some(day))
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
        if !members.contains_key("completed") {
            let why = "is required; an empty body toggles";
            errors.push(FieldError::in_body("/completed", why));
        }
        if completion.subtasks && completion.completed == Some(false) {
            let why = "must be false, or absent, where completed is false";
            errors.push(FieldError::in_body("/subtasks", why));
        }
        errors.sort_by_key(|error| error.unknown);
        if errors.is_empty() {
            Ok(completion)
        } else {
            Err(errors)
        }
    }
}

/// Checks a body that has nothing to say.
pub fn no_fields(body: &Value) -> Result<(), Vec<FieldError>> {
    let names = object(body)?.keys();
    let unknown = names.filter(|name| !WRITTEN_BY_THE_SERVER.contains(&name.as_str()));
    let errors: Vec<_> = unknown
        .map(|name| FieldError::unknown_field(name))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}
