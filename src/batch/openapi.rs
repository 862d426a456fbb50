//! Batches in the OpenAPI document.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, SchemaType, Type};

use super::input::{HEADERS, MAX_OPERATIONS, METHODS};
use super::results;
use crate::openapi::described::{Described, body};
use crate::openapi::responses::success_of;
use crate::openapi::schemas::{CLOSED, flag, named, string};
use crate::primitives::problem::Code;

/// What an operation may be sent to, below the path that the batch was sent to.
const PATH: &str = "^/(tasks|lists|tags)([/?][!$-~]*)?$";

/// Adds schemas to the document.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema("Batch", batch())
        .schema("Operation", operation())
        .schema("OperationHeaders", operation_headers())
        .schema("BatchResults", batch_results())
        .schema("OperationResult", operation_result())
}

pub(super) fn run_batch() -> Described {
    Described {
        id: "runBatch",
        summary: "Run many writes",
        about: "Each operation is exactly the request that it describes, sent by the caller of the batch: the same rules, the same response, in order, each seeing those before it. `atomic` is one transaction: if one is refused nothing happens, and the 422 `batch_refused` has its index as `failed`, its answer as `problem` and `headers`. Otherwise each stands for itself, and its status is in the results. Counts as its operations for the rate limit. Takes no `Idempotency-Key`: operations have theirs. At most 1 MiB.",
        parameters: vec![],
        body: Some(body("Batch", &["application/json"], Required::True)),
        responses: vec![(
            "200",
            success_of(
                "The results, in the order of the operations.",
                "BatchResults",
                &["Cache-Control"],
            ),
        )],
        codes: &[Code::BatchRefused],
        links: &[],
    }
}

fn batch() -> ObjectBuilder {
    let operations = ArrayBuilder::new()
        .items(named("Operation"))
        .min_items(Some(1))
        .max_items(Some(MAX_OPERATIONS));
    ObjectBuilder::new()
        .property(
            "atomic",
            flag("Whether all of it is done, or nothing.").default(Some(json!(true))),
        )
        .property("operations", operations)
        .required("operations")
        .additional_properties(CLOSED)
        .examples([json!({
            "operations": [
                {"method": "POST", "path": "/tasks", "headers": {"Idempotency-Key": "5f0c6c1e"}, "body": {"title": "Buy milk"}},
                {"method": "PATCH", "path": "/tags?name=home", "body": {"name": "house"}}
            ]
        })])
}

fn operation() -> ObjectBuilder {
    let methods = METHODS.iter().map(|method| method.as_str());
    let anything = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some("The body of the request, if it has one."));
    ObjectBuilder::new()
        .property("method", string().enum_values(Some(methods)))
        .property(
            "path",
            string().pattern(Some(PATH)).description(Some(
                "The path below the one before `/batch`, and the query, percent-encoded.",
            )),
        )
        .property("headers", named("OperationHeaders"))
        .property("body", anything)
        .required("method")
        .required("path")
        .additional_properties(CLOSED)
        .examples([json!({"method": "DELETE", "path": "/tasks?completed=true"})])
}

fn operation_headers() -> ObjectBuilder {
    let value = || string().pattern(Some("^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f]*$"));
    HEADERS
        .iter()
        .fold(ObjectBuilder::new(), |headers, (name, _)| {
            headers.property(*name, value())
        })
        .additional_properties(CLOSED)
        .description(Some(
            "The headers of the request. Their names may be in any case.",
        ))
        .examples([json!({"If-Match": "\"3\""})])
}

fn batch_results() -> ObjectBuilder {
    let results = ArrayBuilder::new()
        .items(named("OperationResult"))
        .min_items(Some(1))
        .max_items(Some(MAX_OPERATIONS));
    ObjectBuilder::new()
        .property("results", results)
        .required("results")
        .examples([json!({
            "results": [{"status": 200, "headers": {}, "body": {"changed": 7}}]
        })])
}

fn operation_result() -> ObjectBuilder {
    let headers = results::HEADERS
        .iter()
        .fold(ObjectBuilder::new(), |headers, (name, _)| {
            headers.property(*name, string())
        })
        .description(Some("The headers of its response."));
    let anything = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some(
            "The body of the response: a problem from status 400 on, null if there is none.",
        ));
    ObjectBuilder::new()
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("headers", headers)
        .property("body", anything)
        .required("status")
        .required("headers")
        .required("body")
        .examples([json!({"status": 204, "headers": {}, "body": null})])
}
