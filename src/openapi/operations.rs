//! What each method of each address takes and answers.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required};

use super::responses::{errors, success, success_of};
use super::schemas::{named, string};
use crate::error::Code;

/// What an operation is, but for what all have.
struct Described {
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    parameters: &'static [&'static str],
    body: Option<RequestBody>,
    answers: Vec<(&'static str, ResponseBuilder)>,
    codes: &'static [Code],
}

/// Whatever asks for tasks.
const ALWAYS: &[Code] = &[
    Code::InvalidRequest,
    Code::UnknownParameter,
    Code::MissingToken,
    Code::MalformedToken,
    Code::UnsupportedAlgorithm,
    Code::UnknownKey,
    Code::InvalidSignature,
    Code::TokenExpired,
    Code::TokenNotYetValid,
    Code::InvalidClaims,
    Code::RateLimited,
    Code::Internal,
    Code::DatabaseUnavailable,
    Code::Overloaded,
    Code::KeysUnavailable,
    Code::DeadlineExceeded,
];

/// Whatever has a body.
const OF_BODIES: [Code; 6] = [
    Code::InvalidJson,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidTask,
    Code::UnknownField,
];

/// Whatever is about one task.
const OF_ONE: [Code; 2] = [Code::NotOwner, Code::TaskNotFound];

/// The operation of a method, if it is one; tests count them.
pub(super) fn of(mount: &str, path: &str, method: &Method) -> Option<(HttpMethod, Operation)> {
    let of_user = mount.contains("{owner_id}");
    let (verb, described) = describe(path, method)?;
    let is_public = mount.is_empty();
    let (tag, suffix) = match (is_public, of_user) {
        (true, _) => ("service", ""),
        (false, false) => ("tasks", ""),
        (false, true) => ("tasks of a user", "OfUser"),
    };
    let mut operation = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(format!("{}{suffix}", described.id)))
        .summary(Some(described.summary));
    if !described.about.is_empty() {
        operation = operation.description(Some(described.about));
    }
    let mut codes = described.codes.to_vec();
    if is_public {
        operation = operation.securities(Some([]));
    } else {
        operation = operation.security(SecurityRequirement::new("bearerAuth", [""; 0]));
        codes.extend(ALWAYS);
    }
    if described.body.is_some() {
        codes.extend(OF_BODIES);
    }
    if described.parameters.contains(&"Id") {
        codes.extend(OF_ONE);
    }
    if of_user {
        codes.push(Code::ForeignPath);
        operation = operation.parameter_ref(Ref::new("#/components/parameters/OwnerId"));
    }
    for name in described.parameters {
        operation = operation.parameter_ref(Ref::new(format!("#/components/parameters/{name}")));
    }
    operation = operation.request_body(described.body);
    for (status, answer) in described.answers {
        operation = operation.response(status, links(described.id, suffix, answer).build());
    }
    for (status, answer) in errors(&codes, !is_public) {
        operation = operation.response(status.to_string(), answer);
    }
    Some((verb, operation.build()))
}

fn describe(path: &str, method: &Method) -> Option<(HttpMethod, Described)> {
    let verb = match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    };
    let described = match (path, method.as_str()) {
        ("/tasks", "GET") => list_tasks(),
        ("/tasks", "POST") => create_task(),
        ("/tasks", "DELETE") => clear_completed(),
        ("/tasks/{id}", "GET") => read_task(),
        ("/tasks/{id}", "PATCH") => update_task(),
        ("/tasks/{id}", "PUT") => put_task(),
        ("/tasks/{id}", "DELETE") => delete_task(),
        ("/tasks/{id}/complete", "PATCH") => complete_task(),
        ("/health/live", "GET") => service(
            "isLive",
            "Whether the process serves",
            success_of("It does.", "Live", &[]),
            &[],
        ),
        ("/health/ready", "GET") => service(
            "isReady",
            "Whether requests can be served",
            success_of("They can.", "Ready", &[]),
            &[
                Code::DatabaseUnavailable,
                Code::Overloaded,
                Code::KeysUnavailable,
            ],
        ),
        ("/openapi.json", "GET") => service(
            "readOpenapi",
            "This document",
            success("An OpenAPI 3.1 document.", &[])
                .content("application/json", ContentBuilder::new().build()),
            &[],
        ),
        ("/docs", "GET") => service(
            "readDocs",
            "A page to try the API",
            success("The page.", &[]).content(
                "text/html; charset=utf-8",
                ContentBuilder::new().schema(Some(string())).build(),
            ),
            &[],
        ),
        _ => return None,
    };
    Some((verb, described))
}

fn service(
    id: &'static str,
    summary: &'static str,
    answer: ResponseBuilder,
    codes: &'static [Code],
) -> Described {
    Described {
        id,
        summary,
        about: "",
        parameters: &[],
        body: None,
        answers: vec![("200", answer)],
        codes,
    }
}

fn list_tasks() -> Described {
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
        answers: vec![(
            "200",
            success_of("A page.", "TaskList", &["Link", "Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter, Code::InvalidCursor],
    }
}

fn create_task() -> Described {
    Described {
        id: "createTask",
        summary: "Create a task",
        about: "With an `Idempotency-Key` a repeat is safe: at most one task is made.",
        parameters: &["IdempotencyKey"],
        body: Some(body("NewTask", &["application/json"], Required::True)),
        answers: vec![(
            "201",
            success_of(
                "The task.",
                "Task",
                &["ETag", "Location", "Idempotency-Replayed", "Cache-Control"],
            ),
        )],
        codes: &[Code::IdempotencyKeyReused],
    }
}

fn clear_completed() -> Described {
    Described {
        id: "clearCompleted",
        summary: "Delete all completed tasks",
        about: "",
        parameters: &["ClearCompleted"],
        body: None,
        answers: vec![(
            "200",
            success_of("How many there were.", "Cleared", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
    }
}

fn read_task() -> Described {
    Described {
        id: "readTask",
        summary: "Read a task",
        about: "",
        parameters: &["Id", "IfNoneMatch"],
        body: None,
        answers: vec![
            task_answer(),
            (
                "304",
                success(
                    "It is in a version that the client has.",
                    &["ETag", "Cache-Control"],
                ),
            ),
        ],
        codes: &[],
    }
}

fn update_task() -> Described {
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
        answers: vec![task_answer()],
        codes: &[Code::VersionMismatch],
    }
}

fn put_task() -> Described {
    Described {
        id: "putTask",
        summary: "Change a task, by PUT",
        about: "Merges as PATCH does, so that a client which does not know a field cannot wipe it.",
        ..update_task()
    }
}

fn delete_task() -> Described {
    Described {
        id: "deleteTask",
        summary: "Delete a task",
        about: "",
        parameters: &["Id", "IfMatch"],
        body: None,
        answers: vec![("204", success("It is gone.", &["Cache-Control"]))],
        codes: &[Code::VersionMismatch],
    }
}

fn complete_task() -> Described {
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
        answers: vec![task_answer()],
        codes: &[Code::VersionMismatch],
    }
}

fn task_answer() -> (&'static str, ResponseBuilder) {
    (
        "200",
        success_of("The task.", "Task", &["ETag", "Cache-Control"]),
    )
}

fn body(schema: &str, types: &[&str], required: Required) -> RequestBody {
    let content =
        |schema: RefOr<Schema>| -> Content { ContentBuilder::new().schema(Some(schema)).build() };
    types
        .iter()
        .fold(RequestBodyBuilder::new(), |body, mime| {
            body.content(*mime, content(named(schema)))
        })
        .required(Some(required))
        .build()
}

/// Where an answer leads: for pages to follow, and for tests that walk the API.
fn links(id: &str, suffix: &str, answer: ResponseBuilder) -> ResponseBuilder {
    let to = |target: &str| LinkBuilder::new().operation_id(format!("{target}{suffix}"));
    let owner = |link: LinkBuilder| match suffix {
        "" => link,
        _ => link.parameter("owner_id", json!("$request.path.owner_id")),
    };
    match id {
        "createTask" => [
            "readTask",
            "updateTask",
            "putTask",
            "completeTask",
            "deleteTask",
        ]
        .into_iter()
        .fold(answer, |answer, target| {
            let link = to(target).parameter("id", json!("$response.body#/id"));
            answer.link(target, owner(link).build())
        }),
        "listTasks" => {
            let link = to("listTasks").parameter("cursor", json!("$response.body#/next_cursor"));
            answer.link("nextPage", owner(link).build())
        }
        _ => answer,
    }
}
