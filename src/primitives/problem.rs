//! The errors of the API: the table of codes, and problem+json (RFC 9457). The edge
//! (`http::edge`) writes the body, because it knows the request's path and id.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::value::RawValue;

use super::field_error::FieldError;

/// An error code that only one resource has: of an unknown id, or of a body that is none of it.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnCode {
    /// The code in JSON.
    pub code: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    /// The `detail` of its example in the OpenAPI document.
    pub detail: &'static str,
    /// The `errors` of its example: pointers, and what is wrong there.
    pub errors: &'static [(&'static str, &'static str)],
}

/// Declares the codes that are no resource's own: variant, code in JSON, status.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// The stable code of an error; it determines the status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// One that a resource declares for itself.
            Own(&'static OwnCode),
        }

        impl Code {
            /// All codes but resources' own.
            pub const COMMON: &'static [Code] = &[$(Code::$name,)*];

            /// The code in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                    Code::Own(own) => own.code,
                }
            }

            /// The HTTP status of the response.
            pub fn status(self) -> u16 {
                match self {
                    $(Code::$name => $status,)*
                    Code::Own(own) => own.status,
                }
            }
        }
    };
}

codes! {
    /// A header or the HTTP message itself is invalid.
    InvalidRequest = "invalid_request", 400;
    /// A query parameter has an invalid value.
    InvalidParameter = "invalid_parameter", 400;
    /// A query parameter that this endpoint does not have.
    UnknownParameter = "unknown_parameter", 400;
    /// A cursor that was not issued for this list.
    InvalidCursor = "invalid_cursor", 400;
    /// The body is not exactly one JSON document.
    InvalidJson = "invalid_json", 400;
    /// No credentials.
    MissingToken = "missing_token", 401;
    /// Not a JWT.
    MalformedToken = "malformed_token", 401;
    /// An algorithm that no configured key can have.
    UnsupportedAlgorithm = "unsupported_algorithm", 401;
    /// No key for this `kid`.
    UnknownKey = "unknown_key", 401;
    /// The signature does not verify.
    InvalidSignature = "invalid_signature", 401;
    /// `exp` has passed.
    TokenExpired = "token_expired", 401;
    /// `nbf` or `iat` is in the future.
    TokenNotYetValid = "token_not_yet_valid", 401;
    /// A wrong subject, issuer, audience, type or form of a claim.
    InvalidClaims = "invalid_claims", 401;
    /// An OAuth access token whose scopes do not allow the request.
    InsufficientScope = "insufficient_scope", 403;
    /// The task belongs to another owner.
    NotOwner = "not_owner", 403;
    /// The user in the path is not the user of the token.
    ForeignPath = "foreign_path", 403;
    /// The token of the other account is refused, or is not an anonymous user's.
    AdoptRefused = "adopt_refused", 403;
    /// No such address.
    NoSuchAddress = "no_such_address", 404;
    /// The path does not have this method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// No format that the client accepts.
    NotAcceptable = "not_acceptable", 406;
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408;
    /// A cursor of changes that cannot be followed any more.
    SyncReset = "sync_reset", 410;
    /// The task has another version than `If-Match` requires.
    VersionMismatch = "version_mismatch", 412;
    /// The body is too large.
    BodyTooLarge = "body_too_large", 413;
    /// The body is not JSON in UTF-8.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// A field that a task does not have.
    UnknownField = "unknown_field", 422;
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422;
    /// The owner has as many tasks, or lists, as one may have.
    QuotaExceeded = "quota_exceeded", 422;
    /// A batch that does not say what it should do.
    InvalidBatch = "invalid_batch", 422;
    /// An operation of a batch was refused, so none was done.
    BatchRefused = "batch_refused", 422;
    /// A file that cannot be imported.
    InvalidImport = "invalid_import", 422;
    /// Too many requests.
    RateLimited = "rate_limited", 429;
    /// Too many streams of one user.
    TooManyStreams = "too_many_streams", 429;
    /// Too many imports of one user at once.
    TooManyImports = "too_many_imports", 429;
    /// A bug of the server.
    Internal = "internal", 500;
    /// No connection to the database.
    DatabaseUnavailable = "database_unavailable", 503;
    /// All connections are busy, or a queue or budget is full.
    Overloaded = "overloaded", 503;
    /// No keys have been loaded yet.
    KeysUnavailable = "keys_unavailable", 503;
    /// The request took too long.
    DeadlineExceeded = "deadline_exceeded", 504;
}

/// The reason phrase of a status (RFC 9110, RFC 6585).
pub fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

/// The max number of field errors in one response.
const MAX_ERRORS: usize = 50;

/// An error response. Its source is logged and never sent.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(&'static str, String)>,
    more: Option<Box<More>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the problems of one code each have.
#[derive(Debug, Default)]
struct More {
    not_ready: Vec<&'static str>,
    failed: Option<FailedOperation>,
    line: Option<NonZeroU32>,
}

impl ApiError {
    /// An error with a sentence for the client: what is wrong, and how to fix it.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            more: None,
            source: None,
        }
    }

    /// All errors of a body or a query in one response, the first one as `detail`.
    /// `unknown` is the code if all of them are unknown fields or parameters,
    /// `otherwise` the code in every other case.
    pub fn from_field_errors(mut errors: Vec<FieldError>, unknown: Code, otherwise: Code) -> Self {
        let code = if errors.iter().all(|error| error.unknown) {
            unknown
        } else {
            otherwise
        };
        let detail = errors
            .first()
            .map_or_else(String::new, FieldError::sentence);
        errors.truncate(MAX_ERRORS);
        Self {
            errors,
            ..Self::new(code, detail)
        }
    }

    /// Adds a response header. A value that is not valid in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the parts of the service that are not ready.
    #[must_use]
    pub fn with_not_ready(mut self, parts: Vec<&'static str>) -> Self {
        self.more.get_or_insert_default().not_ready = parts;
        self
    }

    /// Adds the operation because of which a batch was refused.
    #[must_use]
    pub fn with_failed(mut self, failed: FailedOperation) -> Self {
        self.more.get_or_insert_default().failed = Some(failed);
        self
    }

    /// Adds the line of a file that cannot be imported.
    #[must_use]
    pub fn with_line(mut self, line: u64) -> Self {
        let line = NonZeroU32::new(u32::try_from(line).unwrap_or(u32::MAX));
        self.more.get_or_insert_default().line = line;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.source.as_deref()
    }

    /// The body of the response.
    pub fn problem<'a>(&'a self, instance: &'a str, request_id: &'a str) -> Problem<'a> {
        let more = self.more.as_deref();
        Problem {
            r#type: "about:blank",
            title: title(self.code.status()),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.errors,
            not_ready: more.map_or(&[], |more| &more.not_ready),
            line: more.and_then(|more| more.line),
            failed: more.and_then(|more| more.failed.as_ref()),
        }
    }
}

/// The fields of RFC 9457 section 3.1, and the extensions of this API.
#[derive(Serialize)]
pub struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    not_ready: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<NonZeroU32>,
    #[serde(flatten)]
    failed: Option<&'a FailedOperation>,
}

/// The operation because of which a batch was refused, and its own response.
#[derive(Debug, Serialize)]
pub struct FailedOperation {
    /// Which one; the first is 0.
    #[serde(rename = "failed")]
    pub index: usize,
    /// Its headers, as a JSON object.
    pub headers: Box<RawValue>,
    /// Its problem.
    pub problem: Box<RawValue>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Status and headers only: the edge finds this error in the response and writes the
    /// body.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
