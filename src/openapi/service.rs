//! The operations without a token.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder};

use super::described::Described;
use super::responses::{success, success_of};
use super::schemas::string;
use crate::primitives::problem::Code;

/// `GET /health/live`
pub fn is_live() -> Described {
    service(
        "isLive",
        "Whether the process serves",
        "It touches nothing: not the database, not the keys. For a probe that restarts what hangs.",
        success_of("It does.", "Live", &[]),
        &[],
    )
}

/// `GET /health/ready`
pub fn is_ready() -> Described {
    service(
        "isReady",
        "Whether requests can be served",
        "It asks the database, at most once a second. For a load balancer; `not_ready` says what is missing.",
        success_of("They can.", "Ready", &[]),
        &[
            Code::DatabaseUnavailable,
            Code::Overloaded,
            Code::KeysUnavailable,
        ],
    )
}

/// `GET /openapi.json`
pub fn read_openapi() -> Described {
    service(
        "readOpenapi",
        "This document",
        "OpenAPI 3.1, for generators and for Postman. Pages of allowed origins may read it.",
        success("An OpenAPI 3.1 document.", &[])
            .content("application/json", ContentBuilder::new().build()),
        &[],
    )
}

/// `GET /docs`
pub fn read_docs() -> Described {
    service(
        "readDocs",
        "A page to try the API",
        "Swagger UI, with its files from this server: it needs no other network.",
        success("The page.", &[]).content(
            "text/html; charset=utf-8",
            ContentBuilder::new().schema(Some(string())).build(),
        ),
        &[],
    )
}

fn service(
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    response: ResponseBuilder,
    codes: &'static [Code],
) -> Described {
    Described {
        id,
        summary,
        about,
        parameters: vec![],
        body: None,
        responses: vec![("200", response)],
        codes,
        links: &[],
    }
}

/// Adds the schemas of these operations.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema("Ready", status("ready"))
        .schema("Live", status("live"))
}

fn status(word: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("status", string().enum_values(Some([word])))
        .required("status")
}
