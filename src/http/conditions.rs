//! The headers of conditional and of idempotent requests.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::primitives::entity_tag::{IfMatch, IfNoneMatch};
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::problem::{ApiError, Code};

/// The header with the key of an idempotent request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Parses `If-Match`.
pub fn if_match(request: &HttpRequest) -> Result<IfMatch, ApiError> {
    IfMatch::parse(list(request, IF_MATCH).as_deref()).ok_or_else(|| {
        ApiError::new(
            Code::InvalidRequest,
            "If-Match must be * or entity tags in quotes, as the ETag header gave them",
        )
    })
}

/// Parses `If-None-Match`.
pub fn if_none_match(request: &HttpRequest) -> Result<IfNoneMatch, ApiError> {
    IfNoneMatch::parse(list(request, IF_NONE_MATCH).as_deref()).ok_or_else(|| {
        ApiError::new(
            Code::InvalidRequest,
            "If-None-Match must be * or entity tags in quotes, as the ETag header gave them",
        )
    })
}

/// Whether a PUT is to create a row with the id of its path: `If-None-Match: *` (RFC 9110
/// section 13.1.2).
pub fn is_to_create(request: &HttpRequest) -> Result<bool, ApiError> {
    let refuse = |detail: &'static str| Err(ApiError::new(Code::InvalidRequest, detail));
    match list(request, IF_NONE_MATCH).as_deref().map(str::trim) {
        None => Ok(false),
        Some("*") if request.headers().contains_key(IF_MATCH) => {
            refuse("If-None-Match: * creates and If-Match changes; send one of them")
        }
        Some("*") => Ok(true),
        Some(_) => refuse("If-None-Match must be * on a PUT, which then creates"),
    }
}

/// `Idempotency-Key` of a request, with its endpoint and its body.
pub fn idempotency_key(
    request: &HttpRequest,
    endpoint: &str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let key =
        IdempotencyKey::parse(key.as_bytes(), endpoint, body).filter(|_| keys.next().is_none());
    key.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::InvalidRequest,
            "Idempotency-Key must be sent once, as 1 to 255 visible ASCII characters",
        )
    })
}

/// Joins the values of a list-based header (RFC 9110 section 5.3).
fn list(request: &HttpRequest, name: HeaderName) -> Option<String> {
    let values = request.headers().get_all(name);
    let texts: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!texts.is_empty()).then(|| texts.join(","))
}
