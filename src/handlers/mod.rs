//! Handlers: parse the request, call the repository once, answer.

mod body;
mod conditions;
pub mod docs;
mod errors;
pub mod health;
mod paced;
pub mod tasks;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use ipnet::IpNet;

pub use paced::Waiting;

use crate::auth::Verifier;
use crate::db::Db;
use crate::error::{ApiError, Code};
use crate::health::Health;
use crate::middleware::known_method;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The bridge to the database.
    pub db: Db,
    /// Whether there are keys. Handlers verify nothing.
    pub verifier: Arc<Verifier>,
    /// Whether the process is ready.
    pub health: Arc<Health>,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The bytes of large bodies that are held.
    pub waiting: Waiting,
    /// The proxies whose `X-Forwarded-Prefix` counts.
    pub trusted_proxies: Vec<IpNet>,
}

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
