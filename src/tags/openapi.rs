//! The tags in the OpenAPI document: operations, schemas, parameters.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};

use super::input::WRITTEN_BY_THE_SERVER;
use crate::openapi::described::{Described, body};
use crate::openapi::parameters::parameter;
use crate::openapi::responses::success_of;
use crate::openapi::schemas::{CLOSED, NO_NUL, VISIBLE, named, string, with_ignored};
use crate::primitives::problem::Code;
use crate::tasks::tagged::MAX_COUNTED;

/// Adds schemas and parameters to the document.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let name = parameter(
        "name",
        ParameterIn::Query,
        "The tag, in NFC, byte for byte. In the query, because `.`, `..` and `/` do not survive in paths.",
        string()
            .min_length(Some(1))
            .max_length(Some(60))
            .pattern(Some(NO_NUL)),
    )
    .required(Required::True)
    .build();
    components
        .schema("Tag", tag())
        .schema("TagList", tag_list())
        .schema("TagPatch", tag_patch())
        .schema("Changed", changed())
        .parameter("TagName", name)
}

pub(super) fn list_tags() -> Described {
    Described {
        id: "listTags",
        summary: "List tags",
        about: "All tags of the caller's tasks, by name. What is in the trash does not count.",
        parameters: vec![],
        body: None,
        responses: vec![(
            "200",
            success_of("The tags.", "TagList", &["Cache-Control"]),
        )],
        codes: &[],
        links: &[],
    }
}

pub(super) fn rename_tag() -> Described {
    Described {
        id: "renameTag",
        summary: "Rename a tag",
        about: "On every task that has it, the trash included. A task that has both keeps one, in the first place of the two. A tag that nobody has is no error: 0 are changed.",
        parameters: vec!["TagName"],
        body: Some(body("TagPatch", &["application/json"], Required::True)),
        responses: vec![(
            "200",
            success_of("How many tasks had it.", "Changed", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
        links: &[],
    }
}

pub(super) fn delete_tag() -> Described {
    Described {
        id: "deleteTag",
        summary: "Take a tag off every task",
        about: "The trash included. The tasks stay.",
        parameters: vec!["TagName"],
        body: None,
        responses: vec![(
            "200",
            success_of("How many tasks had it.", "Changed", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
        links: &[],
    }
}

fn name() -> ObjectBuilder {
    string()
        .min_length(Some(1))
        .max_length(Some(60))
        .pattern(Some(VISIBLE))
        .description(Some("Put into NFC and trimmed, as a tag of a task is."))
        .examples(["home"])
}

fn number(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some(about))
}

fn tag() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("name", name())
        .property("open", number("How many open tasks have it."))
        .property("total", number("How many tasks have it."))
        .required("name")
        .required("open")
        .required("total")
        .examples([json!({"name": "home", "open": 4, "total": 9})])
}

fn tag_list() -> ObjectBuilder {
    let items = ArrayBuilder::new()
        .items(named("Tag"))
        .max_items(Some(MAX_COUNTED));
    ObjectBuilder::new()
        .property("items", items)
        .required("items")
        .examples([json!({"items": [{"name": "home", "open": 4, "total": 9}]})])
}

fn tag_patch() -> ObjectBuilder {
    let patch = ObjectBuilder::new()
        .property("name", name())
        .required("name")
        .additional_properties(CLOSED)
        .examples([json!({"name": "house"})]);
    with_ignored(patch, &WRITTEN_BY_THE_SERVER)
}

fn changed() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("changed", number("How many tasks were changed."))
        .required("changed")
        .examples([json!({"changed": 7})])
}
