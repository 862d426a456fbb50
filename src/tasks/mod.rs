//! The tasks resource: its fields, queries, statements and endpoints.

mod bulk;
pub mod columns;
pub mod completion;
mod conditions;
pub mod count;
pub mod cursor;
pub mod due;
pub mod errors;
pub mod fields;
pub mod filter;
mod folding;
pub mod handlers;
pub mod input;
pub mod model;
mod moving;
mod openapi;
pub mod outline;
mod page;
mod place;
pub mod purge;
pub mod query;
pub mod recurrence;
pub mod refold;
pub mod repository;
pub mod schedule;
mod schemas;
mod select_page;
pub mod series;
pub mod siblings;
pub mod sort;
pub mod tagged;
pub mod tags;
pub mod trash;
pub mod tree;

use actix_web::http::Method;
use actix_web::web;

use self::errors::TASK;
use self::model::TaskRow;
use crate::db::any_table::{AnyTable, Reference};
use crate::openapi::endpoint::{Endpoint, Isolation, Resource};

/// The declaration that the router, the OpenAPI document and the tests read.
pub const RESOURCE: Resource = Resource {
    name: "tasks",
    about: "The caller's tasks.",
    invalid: TASK.invalid,
    not_found: Some(TASK.not_found),
    endpoints: &[
        Endpoint {
            path: "/tasks",
            method: Method::GET,
            route: || web::to(handlers::list_tasks),
            operation: Some(openapi::list_tasks),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "/tasks",
            method: Method::POST,
            route: || web::to(handlers::create_task),
            operation: Some(openapi::create_task),
            isolation: Isolation::OwnRows {
                query: "",
                body: r#"{"title":"mine","owner_id":"alice"}"#,
            },
        },
        Endpoint {
            path: "/tasks",
            method: Method::DELETE,
            route: || web::to(handlers::delete_tasks),
            operation: Some(openapi::delete_tasks),
            isolation: Isolation::OwnRows {
                query: "?completed=true",
                body: "",
            },
        },
        // Before `/tasks/{id}`, which would match it, too.
        Endpoint {
            path: "/tasks/count",
            method: Method::GET,
            route: || web::to(handlers::count_tasks),
            operation: Some(openapi::count_tasks),
            isolation: Isolation::OwnRows {
                query: "?by=tag",
                body: "",
            },
        },
        Endpoint {
            path: "/tasks/{id}",
            method: Method::GET,
            route: || web::to(handlers::read_task),
            operation: Some(openapi::read_task),
            isolation: Isolation::OneRow { body: "" },
        },
        Endpoint {
            path: "/tasks/{id}",
            method: Method::PUT,
            route: || web::to(handlers::put_task),
            operation: Some(openapi::put_task),
            isolation: Isolation::OneRow { body: STOLEN },
        },
        Endpoint {
            path: "/tasks/{id}",
            method: Method::PATCH,
            route: || web::to(handlers::update_task),
            operation: Some(openapi::update_task),
            isolation: Isolation::OneRow { body: STOLEN },
        },
        Endpoint {
            path: "/tasks/{id}",
            method: Method::DELETE,
            route: || web::to(handlers::delete_task),
            operation: Some(openapi::delete_task),
            isolation: Isolation::OneRow { body: "" },
        },
        Endpoint {
            path: "/tasks/{id}/complete",
            method: Method::PATCH,
            route: || web::to(handlers::complete_task),
            operation: Some(openapi::complete_task),
            isolation: Isolation::OneRow { body: "" },
        },
        Endpoint {
            path: "/tasks/{id}/move",
            method: Method::POST,
            route: || web::to(handlers::move_task),
            operation: Some(openapi::move_task),
            isolation: Isolation::OneRow {
                body: r#"{"first":true}"#,
            },
        },
        Endpoint {
            path: "/tasks/{id}/restore",
            method: Method::POST,
            route: || web::to(handlers::restore_task),
            operation: Some(openapi::restore_task),
            isolation: Isolation::OneRow { body: "" },
        },
    ],
    tables: &[AnyTable::of::<TaskRow>(REFERENCES)],
    components: openapi::components,
};

/// Where ids of tasks and lists stand. `deleted_with` has one of either.
const REFERENCES: &[Reference] = &[
    refers("parent_id", "tasks"),
    refers("next_id", "tasks"),
    refers("deleted_with", "tasks"),
    refers("list_id", "lists"),
    refers("deleted_with", "lists"),
];

const fn refers(column: &'static str, to: &'static str) -> Reference {
    let table = "tasks";
    Reference { table, column, to }
}

/// The body of a foreign write that the isolation test expects to be refused.
const STOLEN: &str = r#"{"title":"stolen","owner_id":"mallory","tags":[]}"#;
