//! The description of one operation, as its resource declares it.

use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};

use super::schemas::named;
use crate::primitives::problem::Code;

/// What is specific to an operation. `operations` adds what all
/// have in common.
pub struct Described {
    pub id: &'static str,
    pub summary: &'static str,
    pub about: &'static str,
    /// The names of its parameters among the components.
    pub parameters: Vec<&'static str>,
    pub body: Option<RequestBody>,
    pub responses: Vec<(&'static str, ResponseBuilder)>,
    pub codes: &'static [Code],
    pub links: &'static [Link],
}

/// A link of a response to another operation (OpenAPI Link Object), for tools and
/// tests that walk the API.
pub struct Link {
    pub name: &'static str,
    /// The `operationId` of the target.
    pub to: &'static str,
    /// A parameter of the target, and the runtime expression of its value in the
    /// response.
    pub parameter: (&'static str, &'static str),
}

/// A request body of this schema and one of these media types.
pub fn body(schema: &str, types: &[&str], required: Required) -> RequestBody {
    let content =
        |schema: RefOr<Schema>| -> Content { ContentBuilder::new().schema(Some(schema)).build() };
    types
        .iter()
        .fold(RequestBodyBuilder::new(), |body, mime| {
            body.content(*mime, content(named(schema)))
        })
        .required(Some(required))
        .build()
}
