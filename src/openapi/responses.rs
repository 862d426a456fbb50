//! Responses: those of success, and the errors by status.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::Example;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response};

use super::schemas::{named, string};
use crate::primitives::problem::{Code, title};

/// The response headers with text values, as name, description and example.
/// [`RETRY_AFTER`] is a number.
const HEADERS: [(&str, &str, &str); 11] = [
    (
        "X-Request-Id",
        "The caller's, or a new one; the log has it.",
        "01a1f894-cb99-712d-a064-b102260fcfea",
    ),
    (
        "ETag",
        "The version, in quotes, for `If-Match` and `If-None-Match`.",
        "\"1\"",
    ),
    (
        "Location",
        "The URL of the task, as a relative reference.",
        "/api/v1/tasks/01a1f894-ca3f-7267-b11f-7667b1bde221",
    ),
    (
        "Link",
        "The next page, as a relative reference, while there is one (RFC 8288).",
        "</api/v1/tasks?limit=2&cursor=AQ>; rel=\"next\"",
    ),
    (
        "Content-Disposition",
        "The name of the file.",
        "attachment; filename=\"todoward-2026-11-30.ndjson\"",
    ),
    (
        "Idempotency-Replayed",
        "`true` if this is the first response again.",
        "true",
    ),
    (
        "Accept-Patch",
        "The types that a patch may have (RFC 5789).",
        "application/merge-patch+json, application/json",
    ),
    (
        "WWW-Authenticate",
        "What to send (RFC 6750).",
        "Bearer realm=\"todoward\", error=\"invalid_token\", error_description=\"the token has expired\"",
    ),
    (
        "Cache-Control",
        "Answers are one user's: `private, no-cache`, on errors `no-store`.",
        "private, no-cache",
    ),
    (
        "RateLimit",
        "What is left of the policy, if requests are limited.",
        "\"owner\";r=19;t=1",
    ),
    (
        "RateLimit-Policy",
        "How many requests are taken in how many seconds, if they are limited.",
        "\"owner\";q=20;w=2",
    ),
];

const RETRY_AFTER: &str = "Retry-After";

fn retry_after() -> Header {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0));
    HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("Seconds to wait."))
        .example(Some(json!(1)))
        .build()
}

/// The only error of operations without token, parameters and body: 431. It can happen
/// to the others as well, but code generators make one type of all errors of an
/// operation, and this one has no body.
pub(super) const HEAD_TOO_LARGE: &str = "HeadTooLarge";

fn head_too_large() -> Response {
    ResponseBuilder::new()
        .description(
            "The head of the request is too large. The body is empty, and the connection closes.",
        )
        .build()
}

/// `all` are all codes.
pub(super) fn components(components: ComponentsBuilder, all: &[Code]) -> ComponentsBuilder {
    let components = HEADERS
        .iter()
        .fold(components, |components, (name, about, example)| {
            let header = HeaderBuilder::new()
                .schema(Some(string()))
                .description(Some(*about))
                .example(Some(json!(example)));
            components.header(*name, header.build())
        })
        .header(RETRY_AFTER, retry_after())
        .response(HEAD_TOO_LARGE, head_too_large());
    SHARED.iter().fold(components, |components, status| {
        components.response(name(*status), shared(*status, all))
    })
}

/// A successful response without a body, with these headers and the common ones.
pub fn success(about: &str, headers: &[&str]) -> ResponseBuilder {
    with_headers(described(about), headers)
}

/// A successful response with a JSON body of this schema.
pub fn success_of(about: &str, schema: &str, headers: &[&str]) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(named(schema)));
    success(about, headers).content("application/json", content.build())
}

/// A response with the header that all responses have.
fn described(about: &str) -> ResponseBuilder {
    let response = ResponseBuilder::new().description(about);
    with_headers(response, &["X-Request-Id"])
}

/// Adds headers by name.
pub(super) fn with_headers(response: ResponseBuilder, headers: &[&str]) -> ResponseBuilder {
    headers.iter().fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// The statuses whose responses are the same in all operations under `/api`.
const SHARED: [u16; 9] = [401, 408, 412, 413, 415, 429, 500, 503, 504];

/// The errors of an operation: one response for each status, one example for each
/// code.
pub(super) fn errors(codes: &[Code], under_api: bool) -> Vec<(u16, RefOr<Response>)> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let response = |(status, codes): (u16, Vec<Code>)| {
        if under_api && SHARED.contains(&status) {
            return (status, Ref::from_response_name(name(status)).into());
        }
        (status, error(status, &codes, under_api).into())
    };
    by_status.into_iter().map(response).collect()
}

/// The component name of a shared response, for instance "RequestTimeout".
fn name(status: u16) -> String {
    title(status).replace(' ', "")
}

fn shared(status: u16, all: &[Code]) -> Response {
    let codes = all.iter().copied();
    let codes: Vec<Code> = codes.filter(|code| code.status() == status).collect();
    error(status, &codes, true)
}

fn error(status: u16, codes: &[Code], under_api: bool) -> Response {
    let examples = codes.iter().map(|code| {
        let name = code.as_str();
        let at = Ref::new(format!("#/components/examples/{name}"));
        (name, RefOr::<Example>::Ref(at))
    });
    let content = ContentBuilder::new()
        .schema(Some(named("Problem")))
        .examples_from_iter(examples)
        .build();
    let names: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    let about = format!("{}: {}.", title(status), names.join(", "));
    let own: &[&str] = match status {
        401 | 403 => &["WWW-Authenticate"],
        412 => &["ETag"],
        415 => &["Accept-Patch"],
        429 => &[RETRY_AFTER, "RateLimit", "RateLimit-Policy"],
        503 => &[RETRY_AFTER],
        _ => &[],
    };
    let response = with_headers(described(&about), own);
    let response = if under_api {
        with_headers(response, &["Cache-Control"])
    } else {
        response
    };
    response
        .content("application/problem+json", content)
        .build()
}
