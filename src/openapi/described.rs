//! What each method of each address is: its name, what it takes and answers.

use actix_web::http::Method;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};

use super::responses::{success, success_of};
use super::schemas::{named, string};
use crate::primitives::problem::Code;

/// What an operation is, but for what all have.
pub(super) struct Described {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [&'static str],
    pub(super) body: Option<RequestBody>,
    pub(super) answers: Vec<(&'static str, ResponseBuilder)>,
    pub(super) codes: &'static [Code],
}

/// The description of a method of an address.
pub(super) fn describe(path: &str, method: &Method) -> Option<(HttpMethod, Described)> {
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
            "It touches nothing: not the database, not the keys. For a probe that restarts what hangs.",
            success_of("It does.", "Live", &[]),
            &[],
        ),
        ("/health/ready", "GET") => service(
            "isReady",
            "Whether requests can be served",
            "It asks the database, at most once a second. For a load balancer; `not_ready` says what is missing.",
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
            "OpenAPI 3.1, for generators and for Postman. Pages of allowed origins may read it.",
            success("An OpenAPI 3.1 document.", &[])
                .content("application/json", ContentBuilder::new().build()),
            &[],
        ),
        ("/docs", "GET") => service(
            "readDocs",
            "A page to try the API",
            "Swagger UI, with its files from this server: it needs no other network.",
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
    about: &'static str,
    answer: ResponseBuilder,
    codes: &'static [Code],
) -> Described {
    Described {
        id,
        summary,
        about,
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
        about: "All at once, and for good. Tasks that are not completed stay.",
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
        about: "With `If-None-Match` there is no body if the client has this version.",
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
        about: "For good. With `If-Match` only if nobody has changed it since it was read.",
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
