//! Completes each operation with what all operations have in common.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::Ref;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::SecurityRequirement;

use super::described::Link;
use super::endpoint::{Endpoint, Resource};
use super::responses::{HEAD_TOO_LARGE, errors, with_headers};
use crate::primitives::problem::Code;

/// The codes of every operation that needs a token.
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

/// The codes of every operation with a body.
const OF_BODIES: [Code; 4] = [
    Code::InvalidJson,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
];

/// The operation of an endpoint; none if the endpoint is not part of the API.
/// `resource` is none for endpoints without a token; `is_only_there` says that it is served
/// below no other mount.
pub(super) fn of(
    mount: &str,
    resource: Option<&Resource>,
    is_only_there: bool,
    endpoint: &Endpoint,
) -> Option<(HttpMethod, Operation)> {
    let of_user = mount.contains("{owner_id}");
    let described = endpoint.operation?();
    let verb = verb(&endpoint.method)?;
    let is_public = resource.is_none();
    let (tag, suffix) = match (resource, of_user && !is_only_there) {
        (None, _) => ("service".to_owned(), ""),
        (Some(resource), false) => (resource.name.to_owned(), ""),
        (Some(resource), true) => (format!("{} of a user", resource.name), "OfUser"),
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
    if let Some(resource) = resource.filter(|_| described.body.is_some()) {
        codes.extend(OF_BODIES);
        codes.push(resource.invalid);
        // An unknown field of a batch is a fault of its envelope, and one of a file is told.
        let without = [Code::InvalidBatch, Code::InvalidImport];
        codes.extend((!without.contains(&resource.invalid)).then_some(Code::UnknownField));
    }
    if let Some(resource) = resource.filter(|_| endpoint.path.contains("{id}")) {
        codes.push(Code::NotOwner);
        codes.extend(resource.not_found);
    }
    if of_user {
        codes.push(Code::ForeignPath);
        operation = operation.parameter_ref(Ref::new("#/components/parameters/OwnerId"));
    }
    for name in described.parameters {
        operation = operation.parameter_ref(Ref::new(format!("#/components/parameters/{name}")));
    }
    operation = operation.request_body(described.body);
    for (status, mut response) in described.responses {
        if !is_public {
            response = with_headers(response, &["RateLimit", "RateLimit-Policy"]);
        }
        operation = operation.response(status, links(described.links, suffix, response).build());
    }
    for (status, response) in errors(&codes, !is_public) {
        operation = operation.response(status.to_string(), response);
    }
    Some((verb, operation.build()))
}

fn verb(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

fn links(links: &[Link], suffix: &str, response: ResponseBuilder) -> ResponseBuilder {
    links.iter().fold(response, |response, link| {
        let (parameter, value) = link.parameter;
        let built = LinkBuilder::new()
            .operation_id(format!("{}{suffix}", link.to))
            .parameter(parameter, json!(value));
        let built = match suffix {
            "" => built,
            _ => built.parameter("owner_id", json!("$request.path.owner_id")),
        };
        response.link(link.name, built.build())
    })
}
