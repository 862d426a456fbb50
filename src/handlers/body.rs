//! Reading a body: at most so many bytes, in at most so much time, JSON in UTF-8.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage as _, HttpRequest};
use serde_json::Value;

use crate::error::{ApiError, Code};
use crate::json;

/// The longest that a body may take to arrive. actix has no limit of its own.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The bytes of the body.
pub async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let too_large = || {
        let detail = format!("the body must be at most {limit} bytes");
        ApiError::new(Code::BodyTooLarge, detail)
    };
    // A compressed body could be a bomb; nothing here inflates anything.
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(unsupported(
            request,
            "send the body without Content-Encoding",
        ));
    }
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(limit)).await {
        Err(_) => Err(ApiError::new(
            Code::RequestTimeout,
            "the body did not arrive within 10 seconds",
        )),
        Ok(Err(_)) => Err(too_large()),
        Ok(Ok(Err(_))) => Err(ApiError::new(
            Code::InvalidRequest,
            "the body ended early or is not well-formed HTTP",
        )),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

/// The JSON document of a body.
pub fn document(request: &HttpRequest, body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Err(ApiError::new(
            Code::InvalidJson,
            "the body is empty; send a JSON object",
        ));
    }
    check_content_type(request)?;
    json::parse(body)
        .map_err(|error| ApiError::new(Code::InvalidJson, json::why_refused(body, &error)))
}

fn takes_merge_patch(request: &HttpRequest) -> bool {
    request.method() == Method::PATCH || request.method() == Method::PUT
}

fn check_content_type(request: &HttpRequest) -> Result<(), ApiError> {
    let mut values = request.headers().get_all(CONTENT_TYPE);
    let single = values.next().is_some() && values.next().is_none();
    let Some(mime) = request.mime_type().ok().flatten().filter(|_| single) else {
        return Err(unsupported(request, "send Content-Type: application/json"));
    };
    let essence = mime.essence_str();
    if essence != JSON && !(essence == MERGE_PATCH && takes_merge_patch(request)) {
        return Err(unsupported(request, "send Content-Type: application/json"));
    }
    let mut charsets = mime.params().filter(|(name, _)| *name == "charset");
    // The name is utf-8 (RFC 3629 section 8); many write the other.
    if charsets.any(|(_, charset)| charset != "utf-8" && charset != "utf8") {
        return Err(unsupported(
            request,
            "send the body in UTF-8, with charset=utf-8 or no charset",
        ));
    }
    Ok(())
}

fn unsupported(request: &HttpRequest, detail: &'static str) -> ApiError {
    let error = ApiError::new(Code::UnsupportedMediaType, detail);
    // RFC 5789 section 2.2.
    if request.method() == Method::PATCH {
        return error.with_header("accept-patch", &format!("{MERGE_PATCH}, {JSON}"));
    }
    error
}
