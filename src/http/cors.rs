//! CORS: cross-origin requests of browsers (WHATWG Fetch, section 3.2).
//!
//! Own code, because actix-cors responds to a preflight that it does not grant with 400
//! in plain text, sends some of its headers to origins that are not allowed, and writes
//! its lists in a random order.
//!
//! Invariant: an origin that is not configured gets none of these headers, and no origin
//! ever gets `Access-Control-Allow-Credentials`: tokens are sent in a header, which
//! another site cannot make a browser send (CSRF).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The request headers that are always allowed.
const ALLOWED: [&str; 8] = [
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-Request-Id",
    "Last-Event-ID",
    "X-Adopt-Authorization",
];
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, WWW-Authenticate",
);
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The allowed origins, and the request headers that their pages may send.
#[derive(Debug, Clone)]
pub struct Cors {
    origins: Vec<String>,
    headers: HeaderValue,
}

impl Cors {
    /// `more_headers` are the configured ones, allowed in addition to `ALLOWED`.
    pub fn new(origins: Vec<String>, more_headers: &[String]) -> Self {
        let mut names = ALLOWED.to_vec();
        for name in more_headers {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        let headers = HeaderValue::try_from(names.join(", "));
        Self {
            origins,
            // The settings contain valid header names only, so this never falls back.
            headers: headers.unwrap_or(HeaderValue::from_static("")),
        }
    }

    /// The origin of a request, if it is allowed.
    fn granted(&self, request: &ServiceRequest) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        let known = |known: &String| known.as_bytes() == origin.as_bytes();
        self.origins.iter().any(known).then(|| origin.clone())
    }
}

/// Middleware: responds to preflights, and lets allowed origins read all responses,
/// including errors.
pub async fn cors(
    allowed: Data<Cors>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let granted = allowed.granted(&request);
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        let mut response = HttpResponse::NoContent().finish();
        if let Some(origin) = granted {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                allowed.headers.clone(),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        return Ok(request.into_response(response));
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    if let Some(origin) = granted {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    Ok(response)
}
