//! Accounts: how much a user has, erasing all of it, and adopting what another account has.
//! Accounts themselves are Better Auth's.
//!
//! Invariant: erasing and adopting need tokens that were issued a moment ago, so that one
//! stolen token cannot end an account.

mod adopting;
mod erasing;
mod handlers;
mod openapi;
pub mod purge;
pub mod repository;

pub use erasing::Turns;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web;

use crate::auth::Verifier;
use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::primitives::problem::Code;

/// What erasing and adopting depend on, beside the state of all handlers.
pub struct Rules {
    /// Verifies the token of the other account.
    pub verifier: Arc<Verifier>,
    /// How long ago a token may have been issued, in seconds.
    pub max_token_age: f64,
    /// Whether accounts can be adopted whose tokens do not say that they are anonymous.
    pub adopts_any: bool,
    /// When SQLite's file may be written anew.
    pub turns: Turns,
}

/// The declaration that the router, the OpenAPI document and the tests read. It is served
/// below `/users/{owner_id}` alone.
pub const RESOURCE: Resource = Resource {
    name: "accounts",
    about: "All that the caller has: how much it is, erasing it, and adopting what another account has.",
    invalid: Code::InvalidRequest,
    not_found: None,
    endpoints: &[
        Endpoint {
            path: "",
            method: Method::GET,
            route: || web::to(handlers::read_account),
            operation: Some(openapi::read_account),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "",
            method: Method::DELETE,
            route: || web::to(handlers::erase_account),
            operation: Some(openapi::erase_account),
            isolation: Isolation::OwnRows {
                query: "",
                body: "",
            },
        },
        Endpoint {
            path: "/adopt",
            method: Method::POST,
            route: || web::to(handlers::adopt_account),
            operation: Some(openapi::adopt_account),
            isolation: Isolation::SecondToken,
        },
    ],
    tables: &[],
    components: openapi::components,
};
