//! The tasks in the OpenAPI document: operations, schemas, parameters. A test sends
//! every documented limit, and one value beyond it, to the parsers.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, KnownFormat, ObjectBuilder, Type};

use super::columns::{COLUMN_FILTERS, SORT_KEYS, Takes};
use super::query::GROUPS;
use super::schemas::{
    cleared, completion, count, movement, priority, recurrence, recurrence_patch, task, task_body,
    task_list,
};
use crate::openapi::described::{Described, Link, body};
use crate::openapi::parameters::{many, path, query};
use crate::openapi::responses::{success, success_of};
use crate::openapi::schemas::{NO_NUL, formatted, named, string};
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
        .schema("Move", movement())
        .schema("Recurrence", recurrence())
        .schema("RecurrencePatch", recurrence_patch())
        .schema("Cleared", cleared())
        .schema("Count", count())
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
        about: "Newest first, in pages. A task that exists throughout is seen exactly once, whatever is inserted or deleted meanwhile. Of the trash, the last deleted first.",
        parameters: [filter_names(), vec!["Sort", "Limit", "Cursor"]].concat(),
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

pub fn count_tasks() -> Described {
    Described {
        id: "countTasks",
        summary: "Count tasks",
        about: "All that the filters let through, and with `by` in groups: the largest first, then by key, at most 1,000. A task counts for each of its tags.",
        parameters: [vec!["GroupBy"], filter_names()].concat(),
        body: None,
        responses: vec![(
            "200",
            success_of("How many there are.", "Count", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
        links: &[],
    }
}

pub fn create_task() -> Described {
    Described {
        id: "createTask",
        summary: "Create a task",
        about: "With an `Idempotency-Key` a repeat is safe: at most one task is made.",
        parameters: vec!["IdempotencyKey"],
        body: Some(body("NewTask", &["application/json"], Required::True)),
        responses: vec![(
            "201",
            success_of(
                "The task.",
                "Task",
                &["ETag", "Location", "Idempotency-Replayed", "Cache-Control"],
            ),
        )],
        codes: &[Code::IdempotencyKeyReused, Code::QuotaExceeded],
        links: &CREATED,
    }
}

pub fn delete_tasks() -> Described {
    Described {
        id: "deleteTasks",
        summary: "Delete all completed tasks, or empty the trash",
        about: "Either `completed=true` or `trash=true` must be there. Completed tasks go to the trash, but for those with an open task below them; what is in the trash is gone for good.",
        parameters: vec!["ClearCompleted", "CompletedBefore", "EmptyTrash"],
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
        parameters: vec!["Id", "IfNoneMatch"],
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
        parameters: vec!["Id", "IfMatch"],
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
        summary: "Change a task, or create it with an id of the client's",
        about: "Merges as PATCH does, so that a client which does not know a field cannot wipe it. With `If-None-Match: *` it creates instead, with the body of a POST: the id must be a UUID version 7, whose time becomes `created_at`, at most a day ahead. It stands last. 412 if the caller has, or had, a task with this id: so an app can create while it is offline, and repeat it.",
        parameters: vec!["Id", "IfMatch", "IfNoneMatchAny"],
        responses: vec![
            task_response(),
            (
                "201",
                success_of(
                    "It was created.",
                    "Task",
                    &["ETag", "Location", "Cache-Control"],
                ),
            ),
        ],
        ..update_task()
    }
}

pub fn delete_task() -> Described {
    Described {
        id: "deleteTask",
        summary: "Delete a task",
        about: "To the trash, with all below it. With `If-Match` only if nobody has changed it since it was read.",
        parameters: vec!["Id", "Permanent", "IfMatch"],
        body: None,
        responses: vec![("204", success("It is gone.", &["Cache-Control"]))],
        codes: &[Code::InvalidParameter, Code::VersionMismatch],
        links: &[],
    }
}

pub fn move_task() -> Described {
    Described {
        id: "moveTask",
        summary: "Move a task",
        about: "To a list, below another task, or to a place among its siblings; all below it come along.",
        parameters: vec!["Id", "IfMatch"],
        body: Some(body("Move", &["application/json"], Required::True)),
        responses: vec![task_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn restore_task() -> Described {
    Described {
        id: "restoreTask",
        summary: "Restore a task from the trash",
        about: "With the subtasks that went there with it; to the top level if its parent is not there any more, to the inbox if its list is not. 404 for what is not in the trash.",
        parameters: vec!["Id", "IfMatch"],
        body: None,
        responses: vec![task_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn complete_task() -> Described {
    Described {
        id: "completeTask",
        summary: "Complete a task, or not",
        about: "With a body it sets; what already holds changes nothing. Without one it toggles. Completing a recurring task makes the next one, in `next_id`; reopening takes that back if nobody has touched it.",
        parameters: vec!["Id", "IfMatch"],
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

/// A UUID in lower case, in a regular expression.
const ID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

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
    let mut parameters = filters();
    parameters.extend(order_and_page());
    parameters.extend(of_deletions());
    parameters
}

fn flag() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

fn filter_names() -> Vec<&'static str> {
    filters().into_iter().map(|(name, _)| name).collect()
}

/// In the order in which operations name them.
fn filters() -> Vec<(&'static str, Parameter)> {
    let text = || string().min_length(Some(1)).pattern(Some(NO_NUL));
    let tag = || text().max_length(Some(60));
    // In lower case, as ids are written: an upper-case one is refused.
    let id_or = |word: &str| {
        string()
            .pattern(Some(format!("^({word}|{ID})$")))
            .examples([word])
    };
    let mut filters = vec![
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
            "Lists",
            many(
                "list",
                "In any of these lists: an id, or `inbox`. One that is not there finds nothing.",
                id_or("inbox"),
                Some(50),
            ),
        ),
        (
            "Parents",
            many(
                "parent",
                "Right below any of these tasks: an id, or `none` for the top level.",
                id_or("none"),
                Some(50),
            ),
        ),
        (
            "Tags",
            many(
                "tag",
                "All of these, in NFC, byte for byte. Repeat the parameter for several: `tag=a,b` is the one tag `a,b`.",
                tag(),
                Some(50),
            ),
        ),
        (
            "AnyTags",
            many(
                "any_tag",
                "At least one of these, likewise.",
                tag(),
                Some(50),
            ),
        ),
        (
            "NoTags",
            many("no_tag", "None of these, likewise.", tag(), Some(50)),
        ),
        (
            "Untagged",
            query("untagged", "Only tasks without tags, or with some.", flag()),
        ),
    ];
    filters.extend(COLUMN_FILTERS.iter().map(|filter| {
        let schema = match &filter.takes {
            Takes::Flag => flag(),
            Takes::AnyOrNone => string().enum_values(Some(["none", "any"])),
            Takes::Value(_, values) => (values.schema)(),
        };
        let parameter = query(filter.parameter, filter.about, schema);
        (filter.component, parameter)
    }));
    filters.extend([
        (
            "Search",
            query(
                "q",
                "One to ten words, each of which stands in the title, the description or a tag; whatever the case, the marks (é, e) and the white space.",
                text().max_length(Some(100)),
            ),
        ),
        (
            "Trash",
            query(
                "trash",
                "`true`: what is in the trash, and nothing else.",
                flag(),
            ),
        ),
    ]);
    filters
}

fn order_and_page() -> Vec<(&'static str, Parameter)> {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(200))
        .default(Some(json!(50)));
    let keys = SORT_KEYS.map(|(name, _)| name).join("|");
    let sort = string()
        // One to three, none of them twice.
        .pattern(Some(format!(
            r"^(?!.*\b(\w+)\b.*\b\1\b)-?({keys})(,-?({keys})){{0,2}}$"
        )))
        .default(Some(json!("-created_at")))
        .examples(["priority,-due_date"]);
    let by = string().enum_values(Some(GROUPS.map(|(name, _)| name)));
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
            "Sort",
            query(
                "sort",
                "One to three different keys with commas, each with `-` before it for descending. Ties by `id`; tasks without a value last. Default in the trash: the last deleted first.",
                sort,
            ),
        ),
        ("Limit", query("limit", "How many a page has.", limit)),
        (
            "Cursor",
            query(
                "cursor",
                "`next_cursor` of the page before, with the same filters and order.",
                string().min_length(Some(1)),
            ),
        ),
        ("GroupBy", query("by", "What the tasks are counted by.", by)),
    ]
}

fn of_deletions() -> Vec<(&'static str, Parameter)> {
    vec![
        (
            "ClearCompleted",
            query("completed", "The completed tasks.", only_true()),
        ),
        (
            "EmptyTrash",
            query("trash", "What is in the trash.", only_true()),
        ),
        (
            "Permanent",
            query(
                "permanent",
                "For good, whether it is in the trash or not.",
                flag(),
            ),
        ),
    ]
}

fn only_true() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([true]))
}
