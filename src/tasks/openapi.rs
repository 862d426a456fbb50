//! The tasks in the OpenAPI document: operations, schemas, parameters. A test sends
//! every documented limit, and one value beyond it, to the parsers.

use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, Type};

use super::input::WRITTEN_BY_THE_SERVER;
use super::query::SORTS;
use crate::openapi::described::{Described, Link, body};
use crate::openapi::parameters::{many, parameter, path, query};
use crate::openapi::responses::{success, success_of};
use crate::openapi::schemas::{
    CLOSED, DAY, NO_NUL, VISIBLE, flag, formatted, instant, named, nullable, string, with_ignored,
};
use crate::primitives::problem::Code;

/// Adds schemas and parameters to the document.
pub fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let components = components
        .schema("Task", task())
        .schema("TaskList", task_list())
        .schema(
            "NewTask",
            task_body("A task to be. `title` is required.").required("title"),
        )
        .schema(
            "TaskPatch",
            task_body("A JSON merge patch (RFC 7396): what is absent stays as it is, null clears."),
        )
        .schema("Completion", completion())
        .schema("Cleared", cleared())
        .schema("Priority", priority());
    parameters()
        .into_iter()
        .fold(components, |components, (name, parameter)| {
            components.parameter(name, parameter)
        })
}

pub fn list_tasks() -> Described {
    Described {
        id: "listTasks",
        summary: "List tasks",
        about: "Newest first, in pages. A task that exists throughout is seen exactly once, whatever is inserted or deleted meanwhile.",
        parameters: &[
            "Completed",
            "Priorities",
            "Tags",
            "DueBefore",
            "DueAfter",
            "Search",
            "Sort",
            "Limit",
            "Cursor",
        ],
        body: None,
        responses: vec![(
            "200",
            success_of("A page.", "TaskList", &["Link", "Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter, Code::InvalidCursor],
        links: &[Link {
            name: "nextPage",
            to: "listTasks",
            parameter: ("cursor", "$response.body#/next_cursor"),
        }],
    }
}

pub fn create_task() -> Described {
    Described {
        id: "createTask",
        summary: "Create a task",
        about: "With an `Idempotency-Key` a repeat is safe: at most one task is made.",
        parameters: &["IdempotencyKey"],
        body: Some(body("NewTask", &["application/json"], Required::True)),
        responses: vec![(
            "201",
            success_of(
                "The task.",
                "Task",
                &["ETag", "Location", "Idempotency-Replayed", "Cache-Control"],
            ),
        )],
        codes: &[Code::IdempotencyKeyReused],
        links: &CREATED,
    }
}

pub fn clear_completed() -> Described {
    Described {
        id: "clearCompleted",
        summary: "Delete all completed tasks",
        about: "All at once, and for good. Tasks that are not completed stay.",
        parameters: &["ClearCompleted"],
        body: None,
        responses: vec![(
            "200",
            success_of("How many there were.", "Cleared", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
        links: &[],
    }
}

pub fn read_task() -> Described {
    Described {
        id: "readTask",
        summary: "Read a task",
        about: "With `If-None-Match` there is no body if the client has this version.",
        parameters: &["Id", "IfNoneMatch"],
        body: None,
        responses: vec![
            task_response(),
            (
                "304",
                success(
                    "It is in a version that the client has.",
                    &["ETag", "Cache-Control"],
                ),
            ),
        ],
        codes: &[],
        links: &[],
    }
}

pub fn update_task() -> Described {
    Described {
        id: "updateTask",
        summary: "Change a task",
        about: "A JSON merge patch (RFC 7396). A patch that changes nothing leaves `version` alone.",
        parameters: &["Id", "IfMatch"],
        body: Some(body(
            "TaskPatch",
            &["application/json", "application/merge-patch+json"],
            Required::True,
        )),
        responses: vec![task_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn put_task() -> Described {
    Described {
        id: "putTask",
        summary: "Change a task, by PUT",
        about: "Merges as PATCH does, so that a client which does not know a field cannot wipe it.",
        ..update_task()
    }
}

pub fn delete_task() -> Described {
    Described {
        id: "deleteTask",
        summary: "Delete a task",
        about: "For good. With `If-Match` only if nobody has changed it since it was read.",
        parameters: &["Id", "IfMatch"],
        body: None,
        responses: vec![("204", success("It is gone.", &["Cache-Control"]))],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn complete_task() -> Described {
    Described {
        id: "completeTask",
        summary: "Complete a task, or not",
        about: "With a body it sets; what already holds changes nothing. Without one it toggles.",
        parameters: &["Id", "IfMatch"],
        body: Some(body(
            "Completion",
            &["application/json", "application/merge-patch+json"],
            Required::False,
        )),
        responses: vec![task_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

fn task_response() -> (&'static str, ResponseBuilder) {
    (
        "200",
        success_of("The task.", "Task", &["ETag", "Cache-Control"]),
    )
}

const fn to_created(to: &'static str) -> Link {
    Link {
        name: to,
        to,
        parameter: ("id", "$response.body#/id"),
    }
}

const CREATED: [Link; 5] = [
    to_created("readTask"),
    to_created("updateTask"),
    to_created("putTask"),
    to_created("completeTask"),
    to_created("deleteTask"),
];

fn parameters() -> Vec<(&'static str, Parameter)> {
    let day = || formatted(KnownFormat::Date).pattern(Some(DAY));
    let flag = || ObjectBuilder::new().schema_type(Type::Boolean);
    let text = || string().min_length(Some(1)).pattern(Some(NO_NUL));
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(200))
        .default(Some(json!(50)));
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
        ("ClearCompleted", clear_completed_parameter()),
    ]
}

fn clear_completed_parameter() -> Parameter {
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
        "tags": ["home", "money"],
        "version": 1,
        "created_at": "2026-11-20T10:51:03.103Z",
        "updated_at": "2026-11-20T10:51:03.103Z"
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
    let required = [
        "id",
        "owner_id",
        "title",
        "description",
        "completed",
        "completed_at",
        "priority",
    ];
    let more = ["due_date", "tags", "version", "created_at", "updated_at"];
    required
        .iter()
        .chain(&more)
        .fold(task, |task, field| task.required(*field))
}

fn task_body(about: &str) -> ObjectBuilder {
    let body = ObjectBuilder::new()
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
    with_ignored(body, &WRITTEN_BY_THE_SERVER)
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
    with_ignored(completion, &WRITTEN_BY_THE_SERVER).examples([json!({"completed": true})])
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
