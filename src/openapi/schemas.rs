//! What bodies hold. A test sends each limit, and one beyond it, to the parsers.

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, Schema,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use crate::tasks::input::WRITTEN_BY_THE_SERVER;

/// A day of the years 1970 to 9999.
pub(super) const DAY: &str =
    "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// One visible character at the least: not white space, not a control character,
/// none of the common ones that show nothing. Unicode has more of those.
const VISIBLE: &str = "^[^\\u0000]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u200b-\\u200f\\u2060-\\u206f\\ufeff][^\\u0000]*$";

/// Another member than those named is refused.
const CLOSED: Option<AdditionalProperties<Schema>> = Some(AdditionalProperties::FreeForm(false));

/// A string without U+0000, which PostgreSQL cannot store.
pub(super) const NO_NUL: &str = "^[^\\u0000]*$";

/// A task as the examples show it.
pub(super) fn task_example() -> Value {
    json!({
        "id": "01a1f894-ca3f-7267-b11f-7667b1bde221",
        "owner_id": "wkUOWf02EDjlL2RkXK10G25oTWtp1vyO",
        "title": "Pay rent",
        "description": null,
        "completed": false,
        "completed_at": null,
        "priority": "high",
        "due_date": "2026-12-01",
        "tags": ["home", "money"],
        "version": 1,
        "created_at": "2026-11-20T10:51:03.103Z",
        "updated_at": "2026-11-20T10:51:03.103Z"
    })
}

/// A reference to a schema of the document.
pub(super) fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn formatted(format: KnownFormat) -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(format)))
}

fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    schema.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

pub(super) fn components() -> ComponentsBuilder {
    ComponentsBuilder::new()
        .schema("Task", task())
        .schema("TaskList", task_list())
        .schema(
            "NewTask",
            draft("A task to be. `title` is required.").required("title"),
        )
        .schema(
            "TaskPatch",
            draft("A JSON merge patch (RFC 7396): what is absent stays as it is, null clears."),
        )
        .schema("Completion", completion())
        .schema("Cleared", cleared())
        .schema("Priority", priority())
        .schema("Ready", status("ready"))
        .schema("Live", status("live"))
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

fn flag(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(description))
}

fn instant(description: &str) -> ObjectBuilder {
    formatted(KnownFormat::DateTime).description(Some(description))
}

fn task() -> ObjectBuilder {
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .description(Some(
            "1, then one more at each change. The `ETag` is this in quotes.",
        ));
    let completed_at = nullable(formatted(KnownFormat::DateTime)).description(Some(
        "When `completed` last became true; null while it is false.",
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
        .property("tags", tags())
        .property("version", version)
        .property(
            "created_at",
            instant("The time inside `id`, in UTC with milliseconds."),
        )
        .property("updated_at", instant("When it last changed."))
        .examples([task_example()]);
    let members = [
        "id",
        "owner_id",
        "title",
        "description",
        "completed",
        "completed_at",
        "priority",
    ];
    let more = ["due_date", "tags", "version", "created_at", "updated_at"];
    members
        .iter()
        .chain(&more)
        .fold(task, |task, member| task.required(*member))
}

fn draft(about: &str) -> ObjectBuilder {
    let draft = ObjectBuilder::new()
        .description(Some(format!(
            "{about} Members that the server writes are ignored, so that a task can be sent back as it was read."
        )))
        .property("title", title())
        .property("description", description())
        .property("completed", flag("Whether it is done."))
        .property("priority", named("Priority"))
        .property("due_date", due_date())
        .property("tags", tags())
        .additional_properties(CLOSED)
        .examples([json!({"title": "Pay rent", "priority": "high", "due_date": "2026-12-01", "tags": ["home"]})]);
    with_ignored(draft)
}

/// What was read can be sent back.
fn with_ignored(body: ObjectBuilder) -> ObjectBuilder {
    WRITTEN_BY_THE_SERVER.iter().fold(body, |body, member| {
        let any = ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("Ignored."));
        body.property(*member, any)
    })
}

fn task_list() -> ObjectBuilder {
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

fn completion() -> ObjectBuilder {
    let completion = ObjectBuilder::new()
        .property("completed", flag("What it becomes."))
        .required("completed")
        .additional_properties(CLOSED);
    with_ignored(completion).examples([json!({"completed": true})])
}

fn cleared() -> ObjectBuilder {
    let deleted = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some("How many tasks were deleted."));
    ObjectBuilder::new()
        .property("deleted", deleted)
        .required("deleted")
        .examples([json!({"deleted": 3})])
}

fn priority() -> ObjectBuilder {
    string()
        .enum_values(Some(["none", "low", "medium", "high"]))
        .description(Some("Sorted none < low < medium < high."))
}

fn status(word: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("status", string().enum_values(Some([word])))
        .required("status")
}
