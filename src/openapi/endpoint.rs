//! The declaration of an endpoint. The router, the OpenAPI document, and the tests of
//! all endpoints read the same table.

use actix_web::Route;
use actix_web::http::Method;
use utoipa::openapi::schema::ComponentsBuilder;

use super::described::Described;
use crate::db::any_table::AnyTable;
use crate::primitives::problem::Code;

/// A method of a path. GET includes HEAD.
pub struct Endpoint {
    /// The path below its mount.
    pub path: &'static str,
    pub method: Method,
    /// Creates the route to its handler.
    pub route: fn() -> Route,
    /// Its operation in the document; none for the files of the page at `/docs`, which
    /// are not part of the API.
    pub operation: Option<fn() -> Described>,
    pub isolation: Isolation,
}

/// The row of the isolation table: how a test shows that one owner can neither see
/// nor change what belongs to another.
pub enum Isolation {
    /// Needs no token and returns nothing about any owner.
    Public,
    /// Names a row: 403 for anyone but its owner, whatever the body.
    OneRow {
        /// A body that the owner could send.
        body: &'static str,
    },
    /// Names no row: succeeds, and affects the caller's rows only.
    OwnRows {
        /// A query with which it succeeds.
        query: &'static str,
        /// A body with which it succeeds.
        body: &'static str,
    },
    /// Needs the token of a second account, whose rows it affects, too.
    SecondToken,
    /// Names no row: a stream of events about the caller's rows, without an end.
    Events,
}

/// A resource: endpoints below each mount, all of which need a token.
pub struct Resource {
    /// The first segment of its paths, and the tag of its operations.
    pub name: &'static str,
    /// The description of the tag, one sentence.
    pub about: &'static str,
    /// The error code of an invalid body.
    pub invalid: Code,
    /// The error code of an unknown id; none if its rows have no ids.
    pub not_found: Option<Code>,
    pub endpoints: &'static [Endpoint],
    /// Its tables: none, or one.
    pub tables: &'static [AnyTable],
    /// Adds its schemas and parameters to the document.
    pub components: fn(ComponentsBuilder) -> ComponentsBuilder,
}
