//! What is answered where there is no endpoint.

use actix_web::{HttpRequest, HttpResponse};

use crate::metrics::known_method;
use crate::primitives::problem::{ApiError, Code};

/// For every address that there is not.
pub async fn no_such_address() -> HttpResponse {
    HttpResponse::from_error(ApiError::new(
        Code::NoSuchAddress,
        "there is nothing at this address; the API is at /api/v1/tasks, a page to try it at /docs",
    ))
}

/// For a method that an address does not have.
pub fn method_not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let detail = match known_method(request.method()) {
        "-" => format!("this address does not have this method; it has {allow}"),
        method => format!("{method} is not a method of this address; it has {allow}"),
    };
    let error = ApiError::new(Code::MethodNotAllowed, detail).with_header("allow", allow);
    HttpResponse::from_error(error)
}
