//! The tags resource: the words that an owner's tasks have, all at once. A tag has no
//! row and no id; it is there while a task has it.

mod handlers;
mod input;
mod openapi;
mod repository;

use actix_web::http::Method;
use actix_web::web;

use crate::openapi::endpoint::{Endpoint, Isolation, Resource};

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "tags",
    about: "The tags of the caller's tasks.",
    invalid: handlers::INVALID,
    not_found: None,
    endpoints: &[
        Endpoint {
            path: "/tags",
            method: Method::GET,
            route: || web::to(handlers::list_tags),
            operation: Some(openapi::list_tags),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "/tags",
            method: Method::PATCH,
            route: || web::to(handlers::rename_tag),
            operation: Some(openapi::rename_tag),
            isolation: Isolation::OwnRows {
                query: "?name=canary",
                body: r#"{"name":"stolen"}"#,
            },
        },
        Endpoint {
            path: "/tags",
            method: Method::DELETE,
            route: || web::to(handlers::delete_tag),
            operation: Some(openapi::delete_tag),
            isolation: Isolation::OwnRows {
                query: "?name=canary",
                body: "",
            },
        },
    ],
    tables: &[],
    components: openapi::components,
};
