//! The API as an OpenAPI 3.1 document, for generators, for Postman and for the
//! page at `/docs`.
//!
//! Invariant: the document is made from the table of addresses and the table of
//! error codes, and says nothing that a test has not compared with the server.

mod described;
pub mod docs;
mod operations;
mod parameters;
mod problems;
mod responses;
mod schemas;

use std::sync::LazyLock;

use actix_web::web::Bytes;
use quick_cache::sync::Cache;
use utoipa::openapi::path::PathItemBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Server,
};

use crate::primitives::problem::Code;
use crate::routes::{Address, MOUNTS, PUBLIC, TASKS};

const ABOUT: &str = "Every user's own tasks. The caller is the `sub` of the JWT in \
`Authorization`, and nothing else in a request says who they are.\n\nEvery error is \
`application/problem+json` (RFC 9457) with a stable `code`. HEAD works wherever GET does. Where there is \
no operation, the answer is a 404 `no_such_address`, or a 405 `method_not_allowed` whose header `Allow` has \
the methods. What HTTP itself refuses, at any path, has no body and none of our headers: a head that \
cannot be parsed (400), that does not arrive (408), or that is too large (431).\n\nEvery request may have \
`X-Request-Id`, to find it in the log; every other answer has it. It is no parameter here, because one that \
is not `[A-Za-z0-9._-]{1,128}`, or is a JWT, is not refused: it is replaced by a new one.";

/// The document, as it is committed in `openapi.json` and served.
pub fn json() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| written("/"));
    &JSON
}

/// The document of a server that is reached below a prefix.
pub fn json_below(prefix: &str) -> Bytes {
    // A server has one prefix, or a few.
    static BELOW: LazyLock<Cache<String, Bytes>> = LazyLock::new(|| Cache::new(8));
    BELOW.get(prefix).unwrap_or_else(|| {
        let json = Bytes::from(written(prefix));
        BELOW.insert(prefix.to_owned(), json.clone());
        json
    })
}

fn written(server: &str) -> String {
    // It is made of strings and numbers only: nothing that could fail.
    let mut json = document(server).to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// The document of a server at this path.
fn document(server: &str) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for address in PUBLIC.iter().filter(|address| !is_asset(address)) {
        paths = paths.path(address.path, path_item("", address));
    }
    for mount in MOUNTS {
        for address in TASKS {
            let path = format!("{mount}{}", address.path);
            paths = paths.path(path, path_item(mount, address));
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The JWT of Better Auth's `jwt()` plugin: `authClient.token()` in the page. For a first look, `todoward dev` prints one.",
        ))
        .build();
    let components = problems::components(responses::components(parameters::components(
        schemas::components(),
    )))
    .security_scheme("bearerAuth", SecurityScheme::Http(bearer))
    .build();
    OpenApiBuilder::new()
        .info(info())
        .servers(Some([Server::new(server)]))
        .tags(Some([
            TagBuilder::new()
                .name("tasks")
                .description(Some("The caller's tasks.")),
            TagBuilder::new().name("tasks of a user").description(Some(
                "The same tasks, under a path that names their owner. The name is checked against the token and never believed.",
            )),
            TagBuilder::new()
                .name("service")
                .description(Some("Health and this document. No token.")),
        ].map(TagBuilder::build)))
        .paths(paths)
        .components(Some(components))
        .build()
}

/// What the page at `/docs` is made of is no part of the API.
fn is_asset(address: &Address) -> bool {
    address.path.starts_with("/docs/")
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Todoward")
        .version("1.0.0")
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some("MIT"))
                .build(),
        ))
        .build()
}

fn path_item(mount: &str, address: &Address) -> utoipa::openapi::PathItem {
    let mut item = PathItemBuilder::new();
    for (method, _) in address.methods {
        if let Some((method, operation)) = operations::of(mount, address.path, method) {
            item = item.operation(method, operation);
        }
    }
    item.build()
}

/// Codes that no operation gives, because they say that there is none: the
/// address or the method does not exist.
pub const OF_NO_OPERATION: [Code; 2] = [Code::NoSuchAddress, Code::MethodNotAllowed];
