//! Tasks and lists as files: exported and imported, in the formats of other programs and
//! in one that keeps everything.

mod aside;
mod columns;
pub mod document;
pub mod export;
pub mod format;
mod handlers;
#[cfg(test)]
mod hostile;
pub mod import;
mod marks;
pub mod media;
mod openapi;
mod query;
pub mod readers;
#[cfg(test)]
mod round_trips;
mod rrule;
mod slots;
pub mod writers;

use actix_web::http::Method;
use actix_web::web;

pub use slots::Slots;

use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::primitives::problem::Code;

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "interchange",
    about: "The caller's tasks and lists as files, in the formats of other programs and in one that keeps everything.",
    invalid: Code::InvalidImport,
    not_found: None,
    endpoints: &[
        Endpoint {
            path: "/import",
            method: Method::POST,
            route: || web::to(handlers::import_tasks),
            operation: Some(openapi::import_tasks),
            isolation: Isolation::OwnRows {
                query: "?format=ndjson",
                body: r#"{"task":{"title":"mine","owner_id":"alice"}}"#,
            },
        },
        Endpoint {
            path: "/export",
            method: Method::GET,
            route: || web::to(export::export_tasks),
            operation: Some(openapi::export_tasks),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
    ],
    tables: &[],
    components: openapi::components,
};
