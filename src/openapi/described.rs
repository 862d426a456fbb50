//! What an operation is: its name, what it takes and answers.

use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};

use super::schemas::named;
use crate::primitives::problem::Code;

/// What an operation is, but for what all have.
pub struct Described {
    pub id: &'static str,
    pub summary: &'static str,
    pub about: &'static str,
    /// By their names among the components.
    pub parameters: &'static [&'static str],
    pub body: Option<RequestBody>,
    pub answers: Vec<(&'static str, ResponseBuilder)>,
    pub codes: &'static [Code],
    pub links: &'static [Link],
}

/// Where an answer leads: for pages to follow, and for tests that walk the API.
pub struct Link {
    pub name: &'static str,
    /// The operation that it leads to.
    pub to: &'static str,
    /// The parameter of that, and where in the answer its value is.
    pub parameter: (&'static str, &'static str),
}

/// A body of this schema and one of these types.
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
