//! The edge: the outermost middleware, which every request passes on its way in and out.
//!
//! Invariant: every error response is problem+json (RFC 9457), whatever produced it, and
//! its cause is logged here, once, with the request's id.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};
use uuid::Uuid;

use crate::auth::Claims;
use crate::health::Health;
use crate::http::unread::Unread;
use crate::metrics::{Metrics, known_method};
use crate::primitives::deadline::set_deadline;
use crate::primitives::problem::{ApiError, Code};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The state of the edge.
#[derive(Clone)]
pub struct Edge {
    /// The max duration of a request.
    pub request_timeout: Duration,
    /// Whether the server is stopping.
    pub health: Arc<Health>,
    /// Where requests are counted; none if the metrics are off.
    pub metrics: Option<Arc<Metrics>>,
}

/// The id of a request in the log and in its response.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The client's `X-Request-Id` if it is safe in a log line, else a new UUID. A JWT
    /// (which begins with `eyJ`) is never used: no token may be logged.
    fn of(headers: &HeaderMap) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(allowed))
            .filter(|id| !id.starts_with("eyJ"));
        Self(match given {
            Some(id) => id.into(),
            None => Uuid::now_v7().to_string().into(),
        })
    }
}

/// The route pattern that a request has matched, for the log and the metrics. actix
/// would match all routes a second time to find it.
#[derive(Debug, Clone)]
pub struct Pattern(pub Rc<str>);

/// Middleware: gives a request its id and its deadline, and its response the headers that
/// all responses have.
pub async fn edge(
    edge: Data<Edge>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let received = Instant::now();
    let id = RequestId::of(request.headers());
    set_deadline(&request, received + edge.request_timeout);
    request.extensions_mut().insert(id.clone());

    let (request, unread) = Unread::watch(request);
    let response = next.call(request).await?.map_into_boxed_body();

    let mut response = unread.keep_until_sent(describe_error(response, &id));
    // While the server stops, closing sends the client's next request to another
    // replica. A client that asked to upgrade must not wait for the new protocol.
    let closes =
        edge.health.is_stopping() || response.request().headers().contains_key(header::UPGRADE);
    if closes {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
    }
    account(&edge, &response, &id, received);
    Ok(response)
}

/// Middleware for `/api`: headers that keep shared caches from storing responses, which
/// belong to one user.
pub async fn api_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let cache = match response.status().as_u16() {
        400.. => "no-store",
        _ => "private, no-cache",
    };
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    }
    // What an endpoint depends on beside these stands behind them, in the same line: many
    // programs read one line of a header alone.
    let ours = HeaderValue::from_static("Authorization, Origin");
    let vary = headers.remove(header::VARY).fold(ours, |vary, other| {
        let both = [vary.as_bytes(), other.as_bytes()].join(&b", "[..]);
        HeaderValue::from_bytes(&both).unwrap_or(vary)
    });
    headers.insert(header::VARY, vary);
    Ok(response)
}

/// The problem of an error response, whose cause it logs; none of any other response.
/// `instance` is the path as received.
pub fn problem_of(
    response: &HttpResponse,
    instance: &str,
    id: &RequestId,
) -> Option<(Code, Vec<u8>)> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let known = response.error();
    let fallback;
    let error = match known.and_then(|error| error.as_error::<ApiError>()) {
        Some(error) => error,
        // An error of actix itself, whose text may reveal internals.
        None => {
            fallback = ApiError::new(code_of(status), "the request cannot be served");
            &fallback
        }
    };
    if let Some(cause) = error.cause() {
        log::error!(request_id = &*id.0, code = error.code().as_str(), cause:% = cause; "the cause of an error");
    }
    let problem = error.problem(instance, &id.0);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Some((error.code(), body))
}

/// Writes the body of an error response, and logs its cause.
fn describe_error(mut response: ServiceResponse, id: &RequestId) -> ServiceResponse {
    let instance = response.request().uri().path();
    let Some((code, body)) = problem_of(response.response(), instance, id) else {
        return response;
    };
    let closes = matches!(code, Code::RequestTimeout | Code::BodyTooLarge);
    response = response.map_body(|_, _| BoxBody::new(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, PROBLEM_JSON);
    if closes {
        // The rest of the request body is still arriving and will not be read.
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    response
}

fn code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        404 => Code::NoSuchAddress,
        405 => Code::MethodNotAllowed,
        406 => Code::NotAcceptable,
        408 => Code::RequestTimeout,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        400..500 => Code::InvalidRequest,
        _ => Code::Internal,
    }
}

/// Writes the access log line and counts the request. Both contain the route pattern
/// instead of the path, which is the client's text, and the owner only as a hash.
fn account(edge: &Edge, response: &ServiceResponse, id: &RequestId, received: Instant) {
    let is_logged = log::log_enabled!(target: "todoward::request", log::Level::Info);
    if !is_logged && edge.metrics.is_none() {
        return;
    }
    let (request, took) = (response.request(), received.elapsed());
    let reached = request.extensions().get::<Pattern>().cloned();
    // A request that was refused before its route has no stored pattern.
    let pattern = reached
        .map(|pattern| pattern.0)
        .or_else(|| request.match_pattern().map(Rc::from));
    if let Some(metrics) = &edge.metrics {
        let route = pattern.as_deref();
        metrics.answered(request.method(), route, response.status(), took);
    }
    if !is_logged {
        return;
    }
    let owner = request.extensions().get::<Claims>().map(Claims::log_name);
    log::info!(
        target: "todoward::request",
        request_id = &*id.0,
        method = known_method(request.method()),
        route = pattern.as_deref().unwrap_or("-"),
        status = response.status().as_u16(),
        duration_ms = took.as_micros() as f64 / 1000.0,
        owner = owner.as_deref().unwrap_or("-");
        "request"
    );
}
