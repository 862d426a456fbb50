//! An endpoint, declared once: the router, the document, and the tests that walk all
//! endpoints read the same table.

use actix_web::Route;
use actix_web::http::Method;
use utoipa::openapi::schema::ComponentsBuilder;

use super::described::Described;
use crate::primitives::problem::Code;

/// A method of a path. HEAD goes with GET.
pub struct Endpoint {
    /// The path below its mount.
    pub path: &'static str,
    pub method: Method,
    /// Makes the route to its handler.
    pub route: fn() -> Route,
    /// What the document says of it. None of what is no part of the API: the files of
    /// the page at `/docs`.
    pub operation: Option<fn() -> Described>,
    pub isolation: Isolation,
}

/// Its row of the isolation table: how a test shows that nothing of one owner's is
/// seen or changed by another.
pub enum Isolation {
    /// It needs no token, and tells nothing of anybody.
    Public,
    /// It names a row: 403 for whoever is not its owner, whatever the body.
    OneRow {
        /// A body that its owner could send.
        body: &'static str,
    },
    /// It names none: it works, on the caller's rows only.
    OwnRows {
        /// A query with which it succeeds.
        query: &'static str,
        /// A body with which it succeeds.
        body: &'static str,
    },
}

/// What is served below each mount, guarded.
pub struct Resource {
    /// As its paths begin, and as its operations are grouped.
    pub name: &'static str,
    /// What it is, as a sentence.
    pub about: &'static str,
    /// The code of a body that cannot be one of it.
    pub invalid: Code,
    /// The code of an id that none of it has.
    pub not_found: Code,
    pub endpoints: &'static [Endpoint],
    /// Adds its schemas and parameters to the document.
    pub components: fn(ComponentsBuilder) -> ComponentsBuilder,
}
