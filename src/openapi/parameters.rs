//! The parts of a request beside its body.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{
    ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, Schema, Type,
};
use utoipa::openapi::{RefOr, Required};

use super::schemas::{DAY, NO_NUL, formatted, named, string};
use crate::tasks::query::SORTS;

/// `*`, or entity tags with commas between them (RFC 9110 section 13.1).
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

/// Every parameter, under the name by which operations ask for it.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    all()
        .into_iter()
        .fold(components, |components, (name, parameter)| {
            components.parameter(name, parameter)
        })
}

fn all() -> Vec<(&'static str, Parameter)> {
    let day = || formatted(KnownFormat::Date).pattern(Some(DAY));
    let flag = || ObjectBuilder::new().schema_type(Type::Boolean);
    let text = || string().min_length(Some(1)).pattern(Some(NO_NUL));
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(200))
        .default(Some(json!(50)));
    let key = string()
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    let tags = || string().pattern(Some(ENTITY_TAGS));
    let sort = string()
        .enum_values(Some(SORTS.map(|(name, _)| name)))
        .default(Some(json!("-created_at")));
    vec![
        (
            "Id",
            path(
                "id",
                "The task.",
                formatted(KnownFormat::Uuid),
                &json!("01a1f894-ca3f-7267-b11f-7667b1bde221"),
            ),
        ),
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
            "Completed",
            query(
                "completed",
                "Only tasks that are done, or that are not.",
                flag(),
            ),
        ),
        (
            "Priorities",
            many(
                "priority",
                "Any of these; repeat the parameter for several.",
                named("Priority"),
                None,
            ),
        ),
        (
            "Tags",
            many(
                "tag",
                "All of these, in NFC, byte for byte. Repeat the parameter for several: `tag=a,b` is the one tag `a,b`.",
                text().max_length(Some(60)),
                Some(50),
            ),
        ),
        (
            "DueBefore",
            query("due_before", "Due before this day, exclusive.", day()),
        ),
        (
            "DueAfter",
            query("due_after", "Due after this day, inclusive.", day()),
        ),
        (
            "Search",
            query(
                "q",
                "One to ten words, each of which stands in the title, the description or a tag; whatever the case, the marks (é, e) and the white space.",
                text().max_length(Some(100)),
            ),
        ),
        (
            "Sort",
            query(
                "sort",
                "`-` before it for descending. Ties by `id`; tasks without a due date last.",
                sort,
            ),
        ),
        ("Limit", query("limit", "How many tasks a page has.", limit)),
        (
            "Cursor",
            query(
                "cursor",
                "`next_cursor` of the page before, with the same filters and sort.",
                string().min_length(Some(1)),
            ),
        ),
        ("ClearCompleted", clear_completed()),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "The same key and body within 24 hours give the first answer again, and one task.",
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

fn path(name: &str, about: &str, schema: ObjectBuilder, example: &Value) -> Parameter {
    parameter(name, ParameterIn::Path, about, schema)
        .required(Required::True)
        .example(Some(example.clone()))
        .build()
}

fn query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    parameter(name, ParameterIn::Query, about, schema).build()
}

/// A parameter that may stand more than once: `tag=a&tag=b`.
fn many(name: &str, about: &str, item: impl Into<RefOr<Schema>>, most: Option<usize>) -> Parameter {
    let list = ArrayBuilder::new().items(item.into()).max_items(most);
    parameter(name, ParameterIn::Query, about, list)
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .build()
}

fn clear_completed() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([true]));
    parameter(
        "completed",
        ParameterIn::Query,
        "Must be said, because nothing else stands between a client and an empty list.",
        schema,
    )
    .required(Required::True)
    .build()
}

fn header(name: &str, about: &str, schema: ObjectBuilder, example: &str) -> Parameter {
    // An example of its own would be filled in on the page, and every second try
    // would be a replay or a failed precondition.
    let about = format!("{about} For example `{example}`.");
    parameter(name, ParameterIn::Header, &about, schema).build()
}

fn parameter(
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
