//! What all operations have, put around what each is.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::Ref;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::SecurityRequirement;

use super::described::describe;
use super::responses::{HEAD_TOO_LARGE, errors, with_headers};
use crate::primitives::problem::Code;

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
    Code::InsufficientScope,
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
        .summary(Some(described.summary))
        .description(Some(described.about));
    let mut codes = described.codes.to_vec();
    if is_public {
        operation = operation
            .securities(Some([]))
            .response("431", Ref::from_response_name(HEAD_TOO_LARGE));
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
    for (status, mut answer) in described.answers {
        if !is_public {
            answer = with_headers(answer, &["RateLimit", "RateLimit-Policy"]);
        }
        operation = operation.response(status, links(described.id, suffix, answer).build());
    }
    for (status, answer) in errors(&codes, !is_public) {
        operation = operation.response(status.to_string(), answer);
    }
    Some((verb, operation.build()))
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
