//! A task: its fields and its columns.

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::Result;

use super::due::{self, DueTime, TimeZone};
use super::fields::{Description, Priority, Title};
use super::folding::{FoldedTexts, Texts};
use super::schedule::Schedule;
use super::series::Recurrence;
use super::siblings::Siblings;
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::db::id::{self, DbId};
use crate::db::owned::Owned;
use crate::db::owned_table::owned_table;
use crate::primitives::id::ResourceId;
use crate::primitives::json_writer as write;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;

/// A task. Its creation time is the time in its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// A UUID version 7; unique within the owner's tasks.
    pub id: ResourceId,
    /// The user that the task belongs to.
    pub owner_id: OwnerId,
    /// The title.
    pub title: Title,
    /// The description.
    pub description: Option<Description>,
    /// Whether the task is done.
    pub completed: bool,
    /// When `completed` last became true; none while it is false.
    pub completed_at: Option<Timestamp>,
    /// The priority.
    pub priority: Priority,
    /// When it is due, and how it repeats.
    pub schedule: Schedule,
    /// The owner's own words for it.
    pub tags: Tags,
    /// The list it is in; none is the inbox.
    pub list_id: Option<ResourceId>,
    /// The task it is a subtask of.
    pub parent_id: Option<ResourceId>,
    /// Where it stands among its siblings, if it was ever moved.
    pub position: Option<String>,
    /// The task that completing it has made.
    pub next_id: Option<ResourceId>,
    /// 1, then one more at each change.
    pub version: i64,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// When it went to the trash, and with which task or list.
    pub trashed: Option<Trashed>,
}

/// That a row is in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trashed {
    /// Since when.
    pub at: Timestamp,
    /// The task or list whose deletion took it along, or itself.
    pub with: ResourceId,
}

owned_table! {
    tasks: TaskRow, TaskFields, TaskDerived;
    columns {
        title: String => write::text;
        description: Option<String> => write::nullable_text;
        completed: bool => write::flag;
        completed_at: Option<NaiveDateTime> => write::nullable_instant;
        priority: i16 => Priority::write_json;
        due_date: Option<NaiveDate> => write::nullable_day;
        due_time: Option<i16> => due_time;
        time_zone: Option<String> => write::nullable_text, then due_at;
        recurrence: Option<String> => Recurrence::write_json;
        tags: String => Tags::write_json;
        list_id: Option<DbId> => id::write_nullable;
        parent_id: Option<DbId> => id::write_nullable, then position;
        position: Option<String>;
        next_id: Option<DbId> => id::write_nullable;
        version: i64 => write::number, then created_at;
        updated_at: NaiveDateTime => write::instant;
        deleted_at: Option<NaiveDateTime> => write::nullable_instant;
        deleted_with: Option<DbId>;
    }
    derived by derive {
        title_lower: String;
        description_lower: Option<String>;
        title_folded: Option<String>;
        rest_folded: Option<String>;
        folded_version: i64;
    }
}

/// Writes `created_at`, which is the time in the id and has no column.
fn created_at(out: &mut Vec<u8>, fields: &TaskFields<'_>) -> Result<()> {
    out.extend_from_slice(b",\"created_at\":");
    write::timestamp(out, fields.id.0.created_at())
}

fn due_time(out: &mut Vec<u8>, minutes: Option<i16>) -> Result<()> {
    write::or_null(out, minutes, DueTime::write_json)
}

/// The instant of day, time and zone, where all three are there.
fn due_at(out: &mut Vec<u8>, fields: &TaskFields<'_>) -> Result<()> {
    out.extend_from_slice(b",\"due_at\":");
    let due_at = match (fields.due_date, fields.due_time, fields.time_zone) {
        // A zone that only a newer release knows has none.
        (Some(day), Some(minutes), Some(zone)) => TimeZone::parse(zone)
            .ok()
            .and_then(|zone| due::due_at(day, DueTime::from_minutes(minutes), &zone)),
        _ => None,
    };
    write::or_null(out, due_at, write::timestamp)
}

/// The place among the siblings: that of the id, unless it was moved.
fn position(out: &mut Vec<u8>, fields: &TaskFields<'_>) -> Result<()> {
    out.extend_from_slice(b",\"position\":");
    position::write_json(out, fields.id.0, fields.position)
}

impl Owned for Task {
    type Row = TaskRow;

    fn from_fields(fields: &TaskFields<'_>, owner: &OwnerId) -> Self {
        let description = fields.description.map(str::to_owned);
        Self {
            id: fields.id.0,
            owner_id: owner.clone(),
            title: Title::from_column(fields.title.to_owned()),
            description: description.map(Description::from_column),
            completed: fields.completed,
            completed_at: fields.completed_at.map(Timestamp::of_column),
            priority: Priority::from_rank(fields.priority),
            schedule: Schedule {
                date: fields.due_date,
                time: fields.due_time.map(DueTime::from_minutes),
                zone: fields.time_zone.map(str::to_owned),
                recurrence: fields.recurrence.and_then(Recurrence::from_column),
            },
            tags: Tags::from_column(fields.tags.to_owned()),
            list_id: fields.list_id.map(|id| id.0),
            parent_id: fields.parent_id.map(|id| id.0),
            position: fields.position.map(str::to_owned),
            next_id: fields.next_id.map(|id| id.0),
            version: fields.version,
            updated_at: Timestamp::of_column(fields.updated_at),
            trashed: fields.deleted_at.map(|at| Trashed {
                at: Timestamp::of_column(at),
                with: fields.deleted_with.unwrap_or(fields.id).0,
            }),
        }
    }

    fn owner(&self) -> &OwnerId {
        &self.owner_id
    }

    fn id(&self) -> DbId {
        DbId(self.id)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn fields(&self) -> TaskFields<'_> {
        TaskFields {
            id: DbId(self.id),
            title: self.title.as_str(),
            description: self.description.as_ref().map(|text| text.as_str()),
            completed: self.completed,
            completed_at: self.completed_at.map(Timestamp::column),
            priority: self.priority.rank(),
            due_date: self.schedule.date,
            due_time: self.schedule.time.map(DueTime::minutes),
            time_zone: self.schedule.zone.as_deref(),
            recurrence: self.schedule.recurrence.as_ref().map(Recurrence::column),
            tags: self.tags.column(),
            list_id: self.list_id.map(DbId),
            parent_id: self.parent_id.map(DbId),
            position: self.position.as_deref(),
            next_id: self.next_id.map(DbId),
            version: self.version,
            updated_at: self.updated_at.column(),
            deleted_at: self.trashed.map(|trashed| trashed.at.column()),
            deleted_with: self.trashed.map(|trashed| DbId(trashed.with)),
        }
    }
}

/// The columns for search and sorting. The previous release uses the lower-cased
/// ones only; this one uses them where the folded form is the same.
fn derive(fields: &TaskFields<'_>) -> TaskDerived {
    let title_lower = fields.title.to_lowercase();
    let description_lower = fields.description.map(str::to_lowercase);
    let folded = FoldedTexts::of(&Texts {
        title: fields.title,
        title_lower: &title_lower,
        description: fields.description,
        description_lower: description_lower.as_deref(),
        tags: fields.tags,
    });
    TaskDerived {
        title_lower,
        description_lower,
        title_folded: folded.title,
        rest_folded: folded.rest,
        folded_version: fields.version,
    }
}

impl Task {
    /// The tasks that it is beside.
    pub fn siblings(&self) -> Siblings {
        Siblings {
            list: self.list_id,
            parent: self.parent_id,
        }
    }

    /// It in its next version.
    pub fn changed(&self, now: Timestamp) -> Self {
        Self {
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;

    /// The fields as written, parsed again.
    fn written(fields: &TaskFields<'_>) -> Value {
        // `write_json` continues an object that was begun with id and owner.
        let mut json = format!("{{\"id\":\"{}\"", fields.id.0).into_bytes();
        fields.write_json(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
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
        let id = ResourceId::generate();
        let other = ResourceId::generate();
        let timestamp = Timestamp::now();
        let beyond = Timestamp::new(DateTime::<chrono::Utc>::MAX_UTC);
        for text in texts {
            for (description, at, day) in [
                (None, None, None),
                (
                    Some(text),
                    Some(beyond),
                    NaiveDate::from_ymd_opt(2026, 2, 9),
                ),
            ] {
                let fields = TaskFields {
                    id: DbId(id),
                    title: text,
                    description,
                    completed: at.is_some(),
                    completed_at: at.map(Timestamp::column),
                    priority: Priority::High.rank(),
                    due_date: day,
                    due_time: day.map(|_| 570),
                    time_zone: day.map(|_| "Europe/Berlin"),
                    recurrence: day.map(|_| "completion 2026-02-09 3 FREQ=DAILY;INTERVAL=2"),
                    tags: "[\n\"home\",\n\"a, b\"]",
                    list_id: day.map(|_| DbId(other)),
                    parent_id: day.map(|_| DbId(other)),
                    position: day.map(|_| "aZ_-0"),
                    next_id: day.map(|_| DbId(other)),
                    version: i64::MAX,
                    updated_at: timestamp.column(),
                    deleted_at: at.map(Timestamp::column),
                    deleted_with: None,
                };
                let wanted = json!({
                    "id": id.to_string(),
                    "title": text,
                    "description": description,
                    "completed": at.is_some(),
                    "completed_at": at,
                    "priority": "high",
                    "due_date": day,
                    "due_time": day.map(|_| "09:30"),
                    "time_zone": day.map(|_| "Europe/Berlin"),
                    "due_at": day.map(|_| "2026-02-09T08:30:00.000Z"),
                    "recurrence": day.map(|_| {
                        json!({"rule": "FREQ=DAILY;INTERVAL=2", "from": "completion"})
                    }),
                    "tags": ["home", "a, b"],
                    "list_id": day.map(|_| other.to_string()),
                    "parent_id": day.map(|_| other.to_string()),
                    "position": day.map_or_else(|| position::of_id(id), |_| "aZ_-0".to_owned()),
                    "next_id": day.map(|_| other.to_string()),
                    "version": i64::MAX,
                    "created_at": id.created_at(),
                    "updated_at": timestamp,
                    "deleted_at": at,
                });
                assert_eq!(written(&fields), wanted);
            }
        }
    }

    #[test]
    fn the_fields_have_one_order_and_their_size_is_not_underestimated() {
        let fields = TaskFields {
            id: DbId(ResourceId::parse("01a1f7e7-b530-74f8-94e4-b4dc1460f2f1").unwrap()),
            title: "Buy milk",
            description: None,
            completed: false,
            completed_at: None,
            priority: Priority::None.rank(),
            due_date: NaiveDate::from_ymd_opt(2026, 12, 1),
            due_time: None,
            time_zone: None,
            recurrence: None,
            tags: "[\n\"home\"]",
            list_id: None,
            parent_id: None,
            position: None,
            next_id: None,
            version: 1,
            updated_at: DateTime::UNIX_EPOCH.naive_utc(),
            deleted_at: None,
            deleted_with: None,
        };
        let mut json = Vec::new();
        fields.write_json(&mut json).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&json),
            r#","title":"Buy milk","description":null,"completed":false,"completed_at":null,"priority":"none","due_date":"2026-12-01","due_time":null,"time_zone":null,"due_at":null,"recurrence":null,"tags":["home"],"list_id":null,"parent_id":null,"position":"01a1f7e7b53074f894e4b4dc1460f2f1","next_id":null,"version":1,"created_at":"2026-11-20T07:41:59.984Z","updated_at":"1970-01-01T00:00:00.000Z","deleted_at":null}"#
        );
        let longest = TaskFields {
            completed_at: Some(fields.updated_at),
            priority: Priority::Medium.rank(),
            due_time: Some(0),
            time_zone: Some("America/Argentina/ComodRivadavia"),
            list_id: Some(fields.id),
            parent_id: Some(fields.id),
            next_id: Some(fields.id),
            version: i64::MAX,
            deleted_at: Some(fields.updated_at),
            ..fields
        };
        let mut json = Vec::with_capacity(longest.json_size());
        let room = json.capacity();
        longest.write_json(&mut json).unwrap();
        assert_eq!(json.capacity(), room);
    }
}
