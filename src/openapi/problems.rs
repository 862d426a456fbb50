//! The errors: their schema, and an example of each code.

use serde_json::{Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};

use super::OF_NO_OPERATION;
use super::schemas::{named, string};
use crate::primitives::problem::{Code, title};

/// Adds the schemas, and for each code of an operation an example named after it.
pub(super) fn components(components: ComponentsBuilder, all: &[Code]) -> ComponentsBuilder {
    let components = components
        .schema("Problem", problem())
        .schema("FieldError", field_error())
        .schema("ErrorCode", error_code(all));
    let codes = all.iter().filter(|it| !OF_NO_OPERATION.contains(it));
    codes.fold(components, |components, code| {
        let example = ExampleBuilder::new()
            .summary(code.as_str())
            .value(Some(example(*code)));
        components.example(code.as_str(), example)
    })
}

fn error_code(all: &[Code]) -> ObjectBuilder {
    string()
        .enum_values(Some(all.iter().map(|code| code.as_str())))
        .description(Some("Stable: program against it."))
}

fn field_error() -> ObjectBuilder {
    ObjectBuilder::new()
        .property(
            "pointer",
            string().description(Some("Where in the body (RFC 6901); `\"\"` is all of it.")),
        )
        .property(
            "parameter",
            string().description(Some("Which query parameter.")),
        )
        .property(
            "detail",
            string().description(Some("What is wrong with it.")),
        )
        .required("detail")
        .examples([json!({"pointer": "/title", "detail": "must be 1 to 1,000 characters"})])
}

fn problem() -> ObjectBuilder {
    let status = ObjectBuilder::new().schema_type(Type::Integer);
    let parts = string().enum_values(Some(["database", "keys", "server"]));
    let problem = ObjectBuilder::new()
        .property("type", string().examples(["about:blank"]))
        .property(
            "title",
            string().description(Some("The name of the status.")),
        )
        .property("status", status)
        .property("code", named("ErrorCode"))
        .property(
            "detail",
            string().description(Some("For people; it may change.")),
        )
        .property(
            "instance",
            string().description(Some("The path as received.")),
        )
        .property(
            "request_id",
            string().description(Some("Under this the cause is in the log.")),
        )
        .property(
            "errors",
            ArrayBuilder::new()
                .items(named("FieldError"))
                .max_items(Some(50))
                .description(Some("Every fault of the body or the query at once.")),
        )
        .property(
            "not_ready",
            ArrayBuilder::new()
                .items(parts)
                .description(Some("What is not ready; of `/health/ready` only.")),
        )
        .property(
            "line",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1))
                .description(Some(
                    "Which line of the file cannot be imported; the first is 1.",
                )),
        )
        .property(
            "failed",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0))
                .description(Some(
                    "Which operation of a batch was refused; the first is 0.",
                )),
        )
        .property(
            "headers",
            ObjectBuilder::new()
                .additional_properties(Some(string()))
                .description(Some("The headers of that operation's response, by name.")),
        )
        .property("problem", named("Problem"));
    let required = [
        "type",
        "title",
        "status",
        "code",
        "detail",
        "instance",
        "request_id",
    ];
    required
        .iter()
        .fold(problem, |problem, field| problem.required(*field))
        .description(Some("What went wrong (RFC 9457)."))
}

/// The response body of an error.
fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": "about:blank",
        "title": title(code.status()),
        "status": code.status(),
        "code": code.as_str(),
        "detail": detail(code),
        "instance": "/api/v1/tasks",
        "request_id": "01a1f894-cb99-712d-a064-b102260fcfea"
    });
    let errors_of = [
        (
            Code::InvalidBatch,
            json!([{"pointer": "/operations/3/path", "detail": "must begin with /tasks, /lists or /tags"}]),
        ),
        (
            Code::UnknownField,
            json!([{"pointer": "/colour", "detail": "is not a field that can be set here"}]),
        ),
        (
            Code::InvalidParameter,
            json!([{"parameter": "limit", "detail": "must be a number from 1 to 200"}]),
        ),
        (
            Code::UnknownParameter,
            json!([{"parameter": "page", "detail": "is not a parameter of this endpoint"}]),
        ),
    ];
    let mut of_this = errors_of.into_iter().filter(|(of, _)| *of == code);
    if let (Some(members), Code::BatchRefused) = (problem.as_object_mut(), code) {
        members.insert("failed".to_owned(), json!(1));
        members.insert("headers".to_owned(), json!({}));
        members.insert("problem".to_owned(), example(Code::NotOwner));
    }
    if let (Some(members), Code::Own(own)) = (problem.as_object_mut(), code)
        && !own.errors.is_empty()
    {
        let errors = own.errors.iter();
        let errors = errors.map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail}));
        members.insert("errors".to_owned(), errors.collect());
    }
    if let (Some(members), Code::InvalidImport) = (problem.as_object_mut(), code) {
        members.insert("line".to_owned(), json!(14));
    }
    if let (Some(members), Some((_, errors))) = (problem.as_object_mut(), of_this.next()) {
        members.insert("errors".to_owned(), errors);
    }
    problem
}

fn detail(code: Code) -> &'static str {
    match code {
        Code::Own(own) => own.detail,
        Code::InvalidRequest => {
            "If-Match must be * or entity tags in quotes, as the ETag header gave them"
        }
        Code::InvalidParameter => "limit must be a number from 1 to 200",
        Code::UnknownParameter => "page is not a parameter of this endpoint",
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
        Code::InsufficientScope => "to write, an OAuth access token needs the scope tasks:write",
        Code::NotOwner => "this task is somebody else's",
        Code::ForeignPath => "the user in the path is not the token's",
        Code::AdoptRefused => {
            "the token of the other account is refused: token_expired: the token has expired; get a new one"
        }
        // These belong to no operation and have no example.
        Code::NoSuchAddress | Code::MethodNotAllowed => "",
        Code::NotAcceptable => {
            "Accept must allow application/x-ndjson, text/csv, text/calendar or text/plain; or say ?format="
        }
        Code::RequestTimeout => "the body did not arrive within 10 seconds",
        Code::SyncReset => {
            "changes cannot be followed from this cursor any more; start again without since and replace your copy"
        }
        Code::VersionMismatch => {
            "the task has changed since it was read; read it again and repeat the change"
        }
        Code::BodyTooLarge => "the body must be at most 524288 bytes",
        Code::UnsupportedMediaType => "send Content-Type: application/json",
        Code::UnknownField => "colour is not a field that can be set here",
        Code::IdempotencyKeyReused => {
            "this Idempotency-Key was used with another body or at another endpoint; use a new key for something new"
        }
        Code::QuotaExceeded => {
            "you cannot have more than 100000 tasks, those in the trash included; delete some for good"
        }
        Code::InvalidBatch => "operations/3/path must begin with /tasks, /lists or /tags",
        Code::BatchRefused => {
            "operation 1 was refused, so none was done: this task is somebody else's"
        }
        Code::InvalidImport => "line 14: title must be 1 to 1,000 characters",
        Code::RateLimited => "too many requests; try again later",
        Code::TooManyStreams => {
            "you have 10 streams here already; close one, or share one among your tabs"
        }
        Code::TooManyImports => {
            "2 imports of yours are under way; wait until one of them has ended"
        }
        Code::Internal => "an internal error occurred",
        Code::DatabaseUnavailable => "the database is unavailable; try again",
        Code::Overloaded => "the server is overloaded; try again later",
        Code::KeysUnavailable => "the keys could not be loaded yet; try again",
        Code::DeadlineExceeded => "the database took too long; try again",
    }
}
