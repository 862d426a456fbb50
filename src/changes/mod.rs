//! The changes of an owner's tasks and lists, for clients that keep a copy of them.

mod cursor;
mod handlers;
mod head;
pub mod notifier;
mod openapi;
mod query;
mod repository;
mod stream;

use actix_web::http::Method;
use actix_web::web;

use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::primitives::problem::Code;

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "changes",
    about: "What has changed of the caller's tasks and lists, for clients that keep a copy.",
    invalid: Code::InvalidRequest,
    not_found: None,
    endpoints: &[
        Endpoint {
            path: "/changes",
            method: Method::GET,
            route: || web::to(handlers::list_changes),
            operation: Some(openapi::list_changes),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "/changes/stream",
            method: Method::GET,
            route: || web::to(stream::stream_changes),
            operation: Some(openapi::stream_changes),
            isolation: Isolation::Events,
        },
    ],
    tables: &[],
    components: openapi::components,
};
