//! Many writes in one request: `POST /batch`. Each operation is the request that it
//! describes, so it is answered by the handler of that request.
//!
//! An atomic batch is a write like any other to the database engine: one job on one
//! thread, run again or given up as a whole. The handlers of its operations run on that
//! thread, inside the transaction (`db::open_transaction`), which therefore waits for
//! nothing but the database.
//!
//! Invariants: an operation has the claims of the batch's own token and no other way to an
//! owner. Inside an atomic batch a handler has no way to the database but the transaction.

mod endpoints;
mod handlers;
mod input;
mod openapi;
mod results;

use actix_web::http::Method;
use actix_web::web;

pub use endpoints::Batches;

use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::primitives::problem::Code;

/// The resources whose writes can be operations.
const RESOURCES: [&str; 3] = ["tasks", "lists", "tags"];

/// Whether the writes of a resource can be operations.
pub fn takes(resource: &Resource) -> bool {
    RESOURCES.contains(&resource.name)
}

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "batch",
    about: "Many writes of the caller's in one request.",
    invalid: Code::InvalidBatch,
    not_found: None,
    endpoints: &[Endpoint {
        path: "/batch",
        method: Method::POST,
        route: || web::to(handlers::run_batch),
        operation: Some(openapi::run_batch),
        isolation: Isolation::OwnRows {
            query: "",
            body: r#"{"operations":[{"method":"POST","path":"/tasks","body":{"title":"mine","owner_id":"alice"}}]}"#,
        },
    }],
    tables: &[],
    components: openapi::components,
};
