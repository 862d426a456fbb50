//! The answers, and every error by its code.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response};

use super::schemas::{named, string};
use crate::error::{Code, title};

/// Every header that an answer may have and that a client may want.
const HEADERS: [(&str, &str, &str); 12] = [
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
        "The address of the task, as a relative reference.",
        "/api/v1/tasks/01a1f894-ca3f-7267-b11f-7667b1bde221",
    ),
    (
        "Link",
        "The next page, as a relative reference, while there is one (RFC 8288).",
        "</api/v1/tasks?limit=2&cursor=AQ>; rel=\"next\"",
    ),
    (
        "Idempotency-Replayed",
        "`true` if this is the first answer again.",
        "true",
    ),
    (
        "Allow",
        "The methods of the address.",
        "GET, HEAD, POST, DELETE",
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
    ("Retry-After", "Seconds to wait.", "1"),
];

pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let components = HEADERS
        .iter()
        .fold(components, |components, (name, about, example)| {
            let schema = match *name {
                "Retry-After" => ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(0)),
                _ => string(),
            };
            let header = HeaderBuilder::new()
                .schema(Some(schema))
                .description(Some(*about))
                .example(Some(json!(example)));
            components.header(*name, header.build())
        });
    Code::ALL.iter().fold(components, |components, code| {
        let example = ExampleBuilder::new()
            .summary(code.as_str())
            .value(Some(problem(*code)));
        components.example(code.as_str(), example)
    })
}

/// An answer that is not an error, with its headers beside those of all.
pub(super) fn success(about: &str, headers: &[&str]) -> ResponseBuilder {
    with_headers(ResponseBuilder::new().description(about), headers)
}

/// The same with a body of JSON.
pub(super) fn success_of(about: &str, schema: &str, headers: &[&str]) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(named(schema)));
    success(about, headers).content("application/json", content.build())
}

fn with_headers(response: ResponseBuilder, headers: &[&str]) -> ResponseBuilder {
    let all = ["X-Request-Id"];
    all.iter().chain(headers).fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// The errors of an operation: an answer a status, with an example a code.
pub(super) fn errors(codes: &[Code], under_api: bool) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status, error(status, &codes, under_api)))
        .collect()
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
        401 => &["WWW-Authenticate"],
        412 => &["ETag"],
        415 => &["Accept-Patch"],
        429 => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        503 => &["Retry-After"],
        _ => &[],
    };
    let response = with_headers(ResponseBuilder::new().description(about), own);
    let response = if under_api {
        with_headers(response, &["Cache-Control"])
    } else {
        response
    };
    response
        .content("application/problem+json", content)
        .build()
}

/// An error as it is answered.
fn problem(code: Code) -> Value {
    let mut problem = json!({
        "type": "about:blank",
        "title": title(code.status()),
        "status": code.status(),
        "code": code.as_str(),
        "detail": detail(code),
        "instance": "/api/v1/tasks",
        "request_id": "01a1f894-cb99-712d-a064-b102260fcfea"
    });
    let errors = match code {
        Code::InvalidTask => json!([
            {"pointer": "/title", "detail": "must be 1 to 200 characters"},
            {"pointer": "/colour", "detail": "is not a field that can be set here"}
        ]),
        Code::UnknownField => {
            json!([{"pointer": "/colour", "detail": "is not a field that can be set here"}])
        }
        Code::InvalidParameter => {
            json!([{"parameter": "limit", "detail": "must be a number from 1 to 200"}])
        }
        Code::UnknownParameter => {
            json!([{"parameter": "page", "detail": "is not a parameter of this address"}])
        }
        _ => return problem,
    };
    if let Some(members) = problem.as_object_mut() {
        members.insert("errors".to_owned(), errors);
    }
    problem
}

fn detail(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest => {
            "If-Match must be * or entity tags in quotes, as the ETag header gave them"
        }
        Code::InvalidParameter => "limit must be a number from 1 to 200",
        Code::UnknownParameter => "page is not a parameter of this address",
        Code::InvalidCursor => {
            "the cursor is not one of this list; repeat the sort and filters it came with, or start without it"
        }
        Code::InvalidJson => "the body is empty; send a JSON object",
        Code::MissingToken => "no Authorization header; send \"Authorization: Bearer <token>\"",
        Code::MalformedToken => {
            "this is a Better Auth session token, not a JWT; get one with authClient.token()"
        }
        Code::UnsupportedAlgorithm => "no configured key can have this algorithm",
        Code::UnknownKey => "no key of the key set has the token's kid",
        Code::InvalidSignature => "the signature does not verify",
        Code::TokenExpired => "the token has expired",
        Code::TokenNotYetValid => "the token is not valid yet",
        Code::InvalidClaims => "the token is of another issuer",
        Code::NotOwner => "this task is somebody else's",
        Code::ForeignPath => "the user in the path is not the token's",
        Code::TaskNotFound => "no task has this id",
        Code::NoSuchAddress => "there is nothing at this address; the API is at /api/v1/tasks",
        Code::MethodNotAllowed => "POST is not a method of this address",
        Code::RequestTimeout => "the body did not arrive within 10 seconds",
        Code::VersionMismatch => {
            "the task has changed since it was read; read it again and repeat the change"
        }
        Code::BodyTooLarge => "the body must be at most 65536 bytes",
        Code::UnsupportedMediaType => "send Content-Type: application/json",
        Code::InvalidTask => "title must be 1 to 200 characters",
        Code::UnknownField => "colour is not a field that can be set here",
        Code::IdempotencyKeyReused => {
            "this Idempotency-Key was used with another body; use a new key for a new task"
        }
        Code::RateLimited => "too many requests; try again later",
        Code::Internal => "an internal error occurred",
        Code::DatabaseUnavailable => "the database is unavailable; try again",
        Code::Overloaded => "the server is overloaded; try again later",
        Code::KeysUnavailable => "the keys could not be loaded yet; try again",
        Code::DeadlineExceeded => "the database took too long; try again",
    }
}
