//! The schemas of lists in the OpenAPI document.

use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Type};

use super::input::WRITTEN_BY_THE_SERVER;
use crate::openapi::schemas::{
    CLOSED, VISIBLE, flag, formatted, instant, named, nullable, string, with_ignored,
};

/// The list of the examples.
fn list_example() -> Value {
    json!({
        "id": "01a1f894-c2d0-7aa1-9c54-2f6b8d0e4a17",
        "owner_id": "wkUOWf02EDjlL2RkXK10G25oTWtp1vyO",
        "name": "Groceries",
        "color": "#2e7d32",
        "archived": false,
        "position": "01a1f894c2d07aa19c542f6b8d0e4a17",
        "version": 1,
        "created_at": "2026-11-20T10:51:01.200Z",
        "updated_at": "2026-11-20T10:51:01.200Z",
        "deleted_at": null
    })
}

fn name() -> ObjectBuilder {
    string()
        .min_length(Some(1))
        .max_length(Some(200))
        .pattern(Some(VISIBLE))
        .description(Some(
            "Trimmed of white space; at least one visible character. Others may have it, too.",
        ))
        .examples(["Groceries"])
}

fn color() -> ObjectBuilder {
    nullable(string())
        .pattern(Some("^#[0-9A-Fa-f]{6}$"))
        .description(Some("Stored in lower case."))
        .examples(["#2e7d32"])
}

fn archived() -> ObjectBuilder {
    flag("A mark that changes nothing else.")
}

pub(super) fn list() -> ObjectBuilder {
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .description(Some(
            "1, then one more at each change. The `ETag` is this in quotes.",
        ));
    let position = string()
        .max_length(Some(64))
        .description(Some("Sorts by its bytes among the owner's lists."));
    let deleted_at = nullable(formatted(KnownFormat::DateTime)).description(Some(
        "When it went to the trash; null while it is not there.",
    ));
    let list = ObjectBuilder::new()
        .property(
            "id",
            formatted(KnownFormat::Uuid).description(Some("A UUID version 7.")),
        )
        .property(
            "owner_id",
            string().description(Some("The `sub` of the token that made it.")),
        )
        .property("name", name())
        .property("color", color())
        .property("archived", archived())
        .property("position", position)
        .property("version", version)
        .property(
            "created_at",
            instant("The time inside `id`, in UTC with milliseconds."),
        )
        .property("updated_at", instant("When it last changed."))
        .property("deleted_at", deleted_at)
        .examples([list_example()]);
    let required = [
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
    required
        .iter()
        .fold(list, |list, field| list.required(*field))
}

pub(super) fn list_body(about: &str) -> ObjectBuilder {
    let body = ObjectBuilder::new()
        .description(Some(format!(
            "{about} Members that the server writes are ignored, so that a list can be sent back as it was read."
        )))
        .property("name", name())
        .property("color", color())
        .property("archived", archived())
        .additional_properties(CLOSED)
        .examples([json!({"name": "Groceries", "color": "#2e7d32"})]);
    with_ignored(body, &WRITTEN_BY_THE_SERVER)
}

pub(super) fn page() -> ObjectBuilder {
    let cursor = nullable(string()).description(Some(
        "Send it as `cursor`, with the same filters, for the next page; null at the end.",
    ));
    ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(named("List")))
        .property("next_cursor", cursor)
        .required("items")
        .required("next_cursor")
        .examples([json!({"items": [list_example()], "next_cursor": null})])
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
        .description(Some("Exactly one of these."))
        .property("before", beside("Right before this list."))
        .property("after", beside("Right behind this list."))
        .property("first", yes("Before all others."))
        .property("last", yes("Behind all others."))
        .min_properties(Some(1))
        .additional_properties(CLOSED)
        .examples([json!({"first": true})]);
    with_ignored(movement, &WRITTEN_BY_THE_SERVER)
}
