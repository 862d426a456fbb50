//! Parameters: in the path, the query and the headers.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{RefOr, Required};

use super::schemas::string;

/// `*`, or a comma-separated list of entity tags (RFC 9110 section 13.1).
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

/// Adds the parameters that more than one resource uses.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    common()
        .into_iter()
        .fold(components, |components, (name, parameter)| {
            components.parameter(name, parameter)
        })
}

fn common() -> Vec<(&'static str, Parameter)> {
    let key = string()
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    let tags = || string().pattern(Some(ENTITY_TAGS));
    vec![
        (
            "OwnerId",
            path(
                "owner_id",
                "`me`, or exactly the user of the token. An assertion, never an identity.",
                string().min_length(Some(1)),
                &json!("me"),
            ),
        ),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "The same key and body within 24 hours give the first response again, and one task.",
                key,
                "5f0c6c1e",
            ),
        ),
        (
            "IfMatch",
            header(
                "If-Match",
                "Only if the task is in one of these versions, or in any (`*`).",
                tags(),
                "\"1\"",
            ),
        ),
        (
            "IfNoneMatchAny",
            header(
                "If-None-Match",
                "Creates what is not there yet. Not beside `If-Match`.",
                string().enum_values(Some(["*"])),
                "*",
            ),
        ),
        (
            "IfNoneMatch",
            header(
                "If-None-Match",
                "304 if the task is in one of these versions.",
                tags(),
                "\"1\"",
            ),
        ),
    ]
}

pub fn path(name: &str, about: &str, schema: ObjectBuilder, example: &Value) -> Parameter {
    parameter(name, ParameterIn::Path, about, schema)
        .required(Required::True)
        .example(Some(example.clone()))
        .build()
}

pub fn query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    parameter(name, ParameterIn::Query, about, schema).build()
}

/// A repeatable parameter: `tag=a&tag=b`.
pub fn many(
    name: &str,
    about: &str,
    item: impl Into<RefOr<Schema>>,
    max: Option<usize>,
) -> Parameter {
    let list = ArrayBuilder::new().items(item.into()).max_items(max);
    parameter(name, ParameterIn::Query, about, list)
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .build()
}

pub fn header(name: &str, about: &str, schema: ObjectBuilder, example: &str) -> Parameter {
    // Swagger UI would fill in an `example`, and every second request from the page
    // would be a replay or a failed precondition. So it is part of the description.
    let about = format!("{about} For example `{example}`.");
    parameter(name, ParameterIn::Header, &about, schema).build()
}

pub fn parameter(
    name: &str,
    place: ParameterIn,
    about: &str,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(about))
        .schema(Some(schema))
}
