//! The schemas of tasks in the OpenAPI document.

use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Type};

use super::count::MAX_GROUPS;
use super::input::WRITTEN_BY_THE_SERVER;
use crate::openapi::schemas::{
    CLOSED, DAY, NO_NUL, VISIBLE, flag, formatted, instant, named, nullable, string, with_ignored,
};

/// The task of the examples.
fn task_example() -> Value {
    json!({
        "id": "01a1f894-ca3f-7267-b11f-7667b1bde221",
        "owner_id": "wkUOWf02EDjlL2RkXK10G25oTWtp1vyO",
        "title": "Pay rent",
        "description": null,
        "completed": false,
        "completed_at": null,
        "priority": "high",
        "due_date": "2026-12-01",
        "due_time": null,
        "time_zone": null,
        "due_at": null,
        "recurrence": {"rule": "FREQ=MONTHLY", "from": "due"},
        "tags": ["home", "money"],
        "list_id": null,
        "parent_id": null,
        "position": "01a1f894ca3f7267b11f7667b1bde221",
        "next_id": null,
        "version": 1,
        "created_at": "2026-11-20T10:51:03.103Z",
        "updated_at": "2026-11-20T10:51:03.103Z",
        "deleted_at": null
    })
}

fn title() -> ObjectBuilder {
    string()
        .min_length(Some(1))
        .max_length(Some(1000))
        .pattern(Some(VISIBLE))
        .description(Some(
            "Trimmed of white space; at least one visible character.",
        ))
        .examples(["Pay rent"])
}

fn description() -> ObjectBuilder {
    nullable(string())
        .max_length(Some(20_000))
        .pattern(Some(NO_NUL))
        .description(Some("More about it. Kept as it came; `\"\"` is not null."))
}

fn due_date() -> ObjectBuilder {
    nullable(formatted(KnownFormat::Date))
        .pattern(Some(DAY))
        .description(Some("A calendar day of the years 1970 to 9999."))
        .examples(["2026-12-01"])
}

fn due_time() -> ObjectBuilder {
    nullable(string())
        .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
        .description(Some("The time of the day it is due; needs `due_date`."))
        .examples(["09:30"])
}

fn time_zone() -> ObjectBuilder {
    nullable(string())
        .min_length(Some(1))
        .description(Some(
            "The IANA name of the zone of `due_time`, which it needs; null is wherever the user is.",
        ))
        .examples(["Europe/Berlin"])
}

fn reference(about: &str) -> ObjectBuilder {
    nullable(formatted(KnownFormat::Uuid)).description(Some(about))
}

fn list_id() -> ObjectBuilder {
    reference("The list it is in; null is the inbox.")
}

fn parent_id() -> ObjectBuilder {
    reference("The task it is a subtask of. At most four stand in a chain.")
}

fn rule() -> ObjectBuilder {
    string()
        .min_length(Some(1))
        .max_length(Some(500))
        .pattern(Some("^[A-Z0-9=;,+-]+$"))
        .description(Some("The value of an RRULE (RFC 5545), by days."))
        .examples(["FREQ=WEEKLY;BYDAY=MO,TH"])
}

fn from() -> ObjectBuilder {
    string()
        .enum_values(Some(["due", "completion"]))
        .description(Some(
            "From where the next date counts: the date that was due, or the day of completion.",
        ))
}

pub(super) fn recurrence() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("rule", rule())
        .property("from", from())
        .required("rule")
        .required("from")
}

pub(super) fn recurrence_patch() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("Merged with what is there (RFC 7396)."))
        .property("rule", rule())
        .property("from", from().default(Some(json!("due"))))
        .additional_properties(CLOSED)
}

/// A schema or null.
fn or_null(name: &str, about: &str) -> OneOfBuilder {
    OneOfBuilder::new()
        .item(named(name))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(about))
}

pub(super) fn movement() -> ObjectBuilder {
    let yes = |about: &str| {
        ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .enum_values(Some([true]))
            .description(Some(about))
    };
    let beside = |about: &str| formatted(KnownFormat::Uuid).description(Some(about));
    let movement = ObjectBuilder::new()
        .description(Some(
            "At least one of these, and at most one of `before`, `after`, `first` and `last`.",
        ))
        .property("list_id", list_id())
        .property("parent_id", parent_id())
        .property("before", beside("Right before this sibling."))
        .property("after", beside("Right behind this sibling."))
        .property("first", yes("Before all siblings."))
        .property("last", yes("Behind all siblings."))
        .min_properties(Some(1))
        .additional_properties(CLOSED)
        .examples([json!({"first": true})]);
    with_ignored(movement, &WRITTEN_BY_THE_SERVER)
}

fn tags() -> ArrayBuilder {
    let tag = string()
        .min_length(Some(1))
        .max_length(Some(60))
        .pattern(Some(VISIBLE));
    ArrayBuilder::new()
        .items(tag)
        .max_items(Some(50))
        .description(Some(
            "The owner's own words for it, in their order. Each is put into NFC and trimmed; repeats are dropped before they are counted.",
        ))
        .examples([json!(["home", "money"])])
}

pub(super) fn task() -> ObjectBuilder {
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .description(Some(
            "1, then one more at each change. The `ETag` is this in quotes.",
        ));
    let completed_at = nullable(formatted(KnownFormat::DateTime)).description(Some(
        "When `completed` last became true; null while it is false.",
    ));
    let due_at = nullable(formatted(KnownFormat::DateTime)).description(Some(
        "The instant of `due_date`, `due_time` and `time_zone`, where all three are there.",
    ));
    let position = string().max_length(Some(64)).description(Some(
        "Sorts by its bytes among the tasks of one list and one parent.",
    ));
    let deleted_at = nullable(formatted(KnownFormat::DateTime)).description(Some(
        "When it went to the trash; null while it is not there.",
    ));
    let task = ObjectBuilder::new()
        .property(
            "id",
            formatted(KnownFormat::Uuid).description(Some("A UUID version 7.")),
        )
        .property(
            "owner_id",
            string().description(Some("The `sub` of the token that made it.")),
        )
        .property("title", title())
        .property("description", description())
        .property("completed", flag("Whether it is done."))
        .property("completed_at", completed_at)
        .property("priority", named("Priority"))
        .property("due_date", due_date())
        .property("due_time", due_time())
        .property("time_zone", time_zone())
        .property("due_at", due_at)
        .property("recurrence", or_null("Recurrence", "How it repeats."))
        .property("tags", tags())
        .property("list_id", list_id())
        .property("parent_id", parent_id())
        .property("position", position)
        .property(
            "next_id",
            reference("The task that completing this one has made."),
        )
        .property("version", version)
        .property(
            "created_at",
            instant("The time inside `id`, in UTC with milliseconds."),
        )
        .property("updated_at", instant("When it last changed."))
        .property("deleted_at", deleted_at)
        .examples([task_example()]);
    let required = [
        "id",
        "owner_id",
        "title",
        "description",
        "completed",
        "completed_at",
        "priority",
    ];
    let more = [
        "due_date",
        "due_time",
        "time_zone",
        "due_at",
        "recurrence",
        "tags",
        "list_id",
        "parent_id",
        "position",
        "next_id",
        "version",
        "created_at",
        "updated_at",
        "deleted_at",
    ];
    required
        .iter()
        .chain(&more)
        .fold(task, |task, field| task.required(*field))
}

pub(super) fn task_body(about: &str) -> ObjectBuilder {
    let body = ObjectBuilder::new()
        .description(Some(format!(
            "{about} Members that the server writes are ignored, so that a task can be sent back as it was read."
        )))
        .property("title", title())
        .property("description", description())
        .property("completed", flag("Whether it is done."))
        .property("priority", named("Priority"))
        .property("due_date", due_date())
        .property("due_time", due_time())
        .property("time_zone", time_zone())
        .property(
            "recurrence",
            or_null("RecurrencePatch", "How it repeats; needs `due_date`."),
        )
        .property("tags", tags())
        .property("list_id", list_id())
        .property("parent_id", parent_id())
        .additional_properties(CLOSED)
        .examples([json!({"title": "Pay rent", "priority": "high", "due_date": "2026-12-01", "tags": ["home"]})]);
    with_ignored(body, &WRITTEN_BY_THE_SERVER)
}

pub(super) fn task_list() -> ObjectBuilder {
    let cursor = nullable(string()).description(Some(
        "Send it as `cursor`, with the same filters and sort, for the next page; null at the end.",
    ));
    ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(named("Task")))
        .property("next_cursor", cursor)
        .required("items")
        .required("next_cursor")
        .examples([json!({"items": [task_example()], "next_cursor": null})])
}

pub(super) fn completion() -> ObjectBuilder {
    let completion = ObjectBuilder::new()
        .property("completed", flag("What it becomes."))
        .property(
            "subtasks",
            flag("Whether the open tasks below are completed, too. Not with `completed: false`."),
        )
        .property(
            "on",
            formatted(KnownFormat::Date)
                .pattern(Some(DAY))
                .description(Some("The caller's today, from which a series goes on; else that of the task's time zone, or of UTC.")),
        )
        .required("completed")
        .additional_properties(CLOSED);
    with_ignored(completion, &WRITTEN_BY_THE_SERVER).examples([json!({"completed": true})])
}

pub(super) fn cleared() -> ObjectBuilder {
    let deleted = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some("How many were deleted."));
    ObjectBuilder::new()
        .property("deleted", deleted)
        .required("deleted")
        .examples([json!({"deleted": 3})])
}

pub(super) fn count() -> ObjectBuilder {
    let number = |about: &str| {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .description(Some(about))
    };
    let group = ObjectBuilder::new()
        .property(
            "key",
            string().description(Some(
                "What the filter takes: an id, `inbox`, `none`, a priority, a tag, a day, `true`, `false`.",
            )),
        )
        .property("count", number("How many tasks it has."))
        .required("key")
        .required("count");
    let groups = ArrayBuilder::new()
        .items(group)
        .max_items(Some(MAX_GROUPS))
        .description(Some(
            "With `by` only. The largest first, then by key; no empty ones.",
        ));
    ObjectBuilder::new()
        .property("count", number("How many tasks there are."))
        .property("groups", groups)
        .required("count")
        .examples([json!({"count": 12, "groups": [{"key": "inbox", "count": 12}]})])
}

pub(super) fn priority() -> ObjectBuilder {
    string()
        .enum_values(Some(["none", "low", "medium", "high"]))
        .description(Some("Sorted none < low < medium < high."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::input::Written;
    use super::*;

    /// A field that is missing there would be left out when a file is imported.
    #[test]
    fn what_is_written_has_every_member_of_a_body_but_the_place() {
        let body = serde_json::to_value(task_body("").build()).unwrap();
        let members = body["properties"].as_object().unwrap().keys();
        let of_place = ["list_id", "parent_id"];
        let written = members
            .map(String::as_str)
            .filter(|name| !of_place.contains(name) && !WRITTEN_BY_THE_SERVER.contains(name));
        assert_eq!(
            written.collect::<BTreeSet<_>>(),
            BTreeSet::from(Written::FIELDS)
        );
    }
}
