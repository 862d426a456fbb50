//! Responses for paths and methods without an endpoint.

use actix_web::{HttpRequest, HttpResponse};

use crate::metrics::known_method;
use crate::primitives::problem::{ApiError, Code};

/// 404 for an unknown path.
pub async fn no_such_address() -> HttpResponse {
    HttpResponse::from_error(ApiError::new(
        Code::NoSuchAddress,
        "there is nothing at this path; the API is at /api/v1/tasks, a page to try it at /docs",
    ))
}

/// 405 for a path without this method; `allow` is the value of the `Allow` header.
pub fn method_not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let detail = match known_method(request.method()) {
        "-" => format!("this path does not have this method; it has {allow}"),
        method => format!("{method} is not a method of this path; it has {allow}"),
    };
    let error = ApiError::new(Code::MethodNotAllowed, detail).with_header("allow", allow);
    HttpResponse::from_error(error)
}
