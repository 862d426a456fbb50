//! Reads request bodies: limited in size and time, JSON in UTF-8.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{BytesMut, Payload};
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::app_state::AppState;
use super::response_budget::{Held, LARGE};
use crate::auth::OwnerId;
use crate::primitives::json;
use crate::primitives::problem::{ApiError, Code};

/// The max time for a body to arrive. actix has no limit of its own (slow POST attack).
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The max time that a large file may take, if it never stops for [`BODY_TIMEOUT`].
const FILE_TIMEOUT: Duration = Duration::from_secs(120);

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The bytes of a body. A large one counts in the budget as long as this is kept.
pub struct Body {
    bytes: BytesMut,
    held: Option<Held>,
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body of an owner's request.
pub async fn read(
    app: &AppState,
    owner: &OwnerId,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Body, ApiError> {
    read_up_to(app.body_limit, app, owner, request, payload).await
}

/// Reads the body of a request to an endpoint with a limit of its own.
pub async fn read_up_to(
    limit: usize,
    app: &AppState,
    owner: &OwnerId,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Body, ApiError> {
    let announced = announced(limit, request)?;
    let mut body = pin!(collect(limit, app, owner, payload, announced));
    // What is there already needs no timer, and on a database thread there is none.
    let arrived = poll_fn(|context| Poll::Ready(body.as_mut().poll(context))).await;
    if let Poll::Ready(body) = arrived {
        return body;
    }
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(body) => body,
        Err(_) => Err(ApiError::new(
            Code::RequestTimeout,
            "the body did not arrive within 10 seconds",
        )),
    }
}

/// Reads a file of at most `limit` bytes. It may take two minutes while it moves, and its
/// caller limits how many there are at once.
pub async fn read_file(
    limit: usize,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<Vec<u8>, ApiError> {
    let announced = announced(limit, request)?;
    let mut file = Vec::new();
    let end = Instant::now() + FILE_TIMEOUT;
    loop {
        let until = end.min(Instant::now() + BODY_TIMEOUT);
        let next = tokio::time::timeout_at(until, payload.next()).await;
        let next = next.map_err(|_| {
            ApiError::new(
                Code::RequestTimeout,
                "the body stopped for 10 seconds, or took longer than 2 minutes",
            )
        })?;
        let Some(piece) = next.transpose().map_err(|_| ended_early())? else {
            return Ok(file);
        };
        let length = file.len() + piece.len();
        if length > limit {
            return Err(too_large(limit));
        }
        // Not before bytes have come: a length that is announced and never sent must cost
        // nothing.
        if file.capacity() < length {
            let whole = announced.unwrap_or(2 * length).min(limit).max(length);
            file.reserve_exact(whole - file.len());
        }
        file.extend_from_slice(&piece);
    }
}

/// The length that a body says it has.
fn announced(limit: usize, request: &HttpRequest) -> Result<Option<usize>, ApiError> {
    // A compressed body could be a decompression bomb, so none is decompressed.
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(unsupported(
            request,
            "send the body without Content-Encoding",
        ));
    }
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match announced {
        Some(length) if length > limit => Err(too_large(limit)),
        announced => Ok(announced),
    }
}

fn ended_early() -> ApiError {
    ApiError::new(
        Code::InvalidRequest,
        "the body ended early or is not well-formed HTTP",
    )
}

async fn collect(
    limit: usize,
    app: &AppState,
    owner: &OwnerId,
    mut payload: Payload,
    announced: Option<usize>,
) -> Result<Body, ApiError> {
    let mut body = Body {
        bytes: BytesMut::new(),
        held: None,
    };
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| ended_early())?;
        let length = body.bytes.len() + piece.len();
        if length > limit {
            return Err(too_large(limit));
        }
        // Reserved only once bytes have arrived: a Content-Length that is announced
        // and never sent must not use up the budget.
        if length > LARGE && body.held.is_none() {
            let whole = announced.unwrap_or(limit);
            body.held = Some(app.response_budget.hold(owner, whole)?);
            body.bytes.reserve(whole.saturating_sub(body.bytes.len()));
        }
        body.bytes.extend_from_slice(&piece);
    }
    Ok(body)
}

fn too_large(limit: usize) -> ApiError {
    let detail = format!("the body must be at most {limit} bytes");
    ApiError::new(Code::BodyTooLarge, detail)
}

/// Parses the JSON document of a body, and checks its Content-Type.
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
    // The registered name is utf-8 (RFC 3629 section 8); many clients send utf8.
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
    // Accept-Patch: RFC 5789 section 2.2.
    if request.method() == Method::PATCH {
        return error.with_header("accept-patch", &format!("{MERGE_PATCH}, {JSON}"));
    }
    error
}
