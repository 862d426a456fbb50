//! The lists resource: what tasks are sorted into.

mod errors;
pub mod fields;
pub mod handlers;
pub mod input;
pub mod model;
mod openapi;
pub mod outline;
mod page;
pub mod purge;
pub mod query;
pub mod repository;
mod schemas;
mod trash;

use actix_web::http::Method;
use actix_web::web;

use self::errors::LIST;
use self::model::ListRow;
use crate::db::any_table::{AnyTable, Reference};
use crate::openapi::endpoint::{Endpoint, Isolation, Resource};

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "lists",
    about: "The caller's lists, which tasks are sorted into.",
    invalid: LIST.invalid,
    not_found: Some(LIST.not_found),
    endpoints: &[
        Endpoint {
            path: "/lists",
            method: Method::GET,
            route: || web::to(handlers::list_lists),
            operation: Some(openapi::list_lists),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "/lists",
            method: Method::POST,
            route: || web::to(handlers::create_list),
            operation: Some(openapi::create_list),
            isolation: Isolation::OwnRows {
                query: "",
                body: r#"{"name":"mine","owner_id":"alice"}"#,
            },
        },
        Endpoint {
            path: "/lists",
            method: Method::DELETE,
            route: || web::to(handlers::delete_lists),
            operation: Some(openapi::delete_lists),
            isolation: Isolation::OwnRows {
                query: "?trash=true",
                body: "",
            },
        },
        Endpoint {
            path: "/lists/{id}",
            method: Method::GET,
            route: || web::to(handlers::read_list),
            operation: Some(openapi::read_list),
            isolation: Isolation::OneRow { body: "" },
        },
        Endpoint {
            path: "/lists/{id}",
            method: Method::PUT,
            route: || web::to(handlers::put_list),
            operation: Some(openapi::put_list),
            isolation: Isolation::OneRow { body: STOLEN },
        },
        Endpoint {
            path: "/lists/{id}",
            method: Method::PATCH,
            route: || web::to(handlers::update_list),
            operation: Some(openapi::update_list),
            isolation: Isolation::OneRow { body: STOLEN },
        },
        Endpoint {
            path: "/lists/{id}",
            method: Method::DELETE,
            route: || web::to(handlers::delete_list),
            operation: Some(openapi::delete_list),
            isolation: Isolation::OneRow { body: "" },
        },
        Endpoint {
            path: "/lists/{id}/move",
            method: Method::POST,
            route: || web::to(handlers::move_list),
            operation: Some(openapi::move_list),
            isolation: Isolation::OneRow {
                body: r#"{"first":true}"#,
            },
        },
        Endpoint {
            path: "/lists/{id}/restore",
            method: Method::POST,
            route: || web::to(handlers::restore_list),
            operation: Some(openapi::restore_list),
            isolation: Isolation::OneRow { body: "" },
        },
    ],
    tables: &[AnyTable::of::<ListRow>(REFERENCES)],
    components: openapi::components,
};

/// Beside the columns of tasks: the list in which a task was made that a key repeats.
const REFERENCES: &[Reference] = &[Reference {
    table: "idempotency_keys",
    column: "list_id",
    to: "lists",
}];

/// The body of a foreign write that the isolation test expects to be refused.
const STOLEN: &str = r#"{"name":"stolen","owner_id":"mallory","archived":true}"#;
