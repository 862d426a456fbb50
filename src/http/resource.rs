//! What the handlers of all resources have in common. Each checks in the documented
//! order: query, headers, body, then the row.

use actix_web::http::header::{ContentType, ETAG, HeaderName, LINK, LOCATION};
use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use diesel::QueryResult;

use super::app_state::AppState;
use super::body::{self, Body};
use super::conditions::if_match;
use super::errors::{Noun, invalid_query};
use super::prefix::prefix;
use super::response_budget::{BudgetedBody, LARGEST_BODY, ResponseBudget};
use crate::auth::OwnerId;
use crate::db::error::DbError;
use crate::db::idempotency::Created;
use crate::db::open_transaction::OpenTransaction;
use crate::db::owned::Owned;
use crate::db::statement::Statement;
use crate::db::table::Table;
use crate::primitives::deadline::deadline;
use crate::primitives::entity_tag::{EntityTag, IfMatch};
use crate::primitives::field_error::FieldError;
use crate::primitives::id::ResourceId;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};
use crate::primitives::timestamp::Timestamp;

/// The header that says that a response is that of an earlier request.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The result of a handler.
pub type HandlerResult = Result<HttpResponse, ApiError>;

/// Runs a statement for the owner within the deadline of the request.
///
/// # Errors
///
/// Why nothing came of it, in the words for the resource.
pub async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    noun: &Noun,
    statement: S,
) -> Result<S::Output, ApiError> {
    let done = run_in(app, owner, request, statement).await;
    done.map_err(|error| noun.failed(error))
}

/// The same, for a resource whose errors are those of the database alone.
///
/// # Errors
///
/// Why nothing came of it.
pub async fn run_in<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, DbError> {
    if let Some(db) = &app.db {
        return db.run(owner, deadline(request), statement).await;
    }
    let open = request.extensions().get::<OpenTransaction>().cloned();
    match open {
        Some(transaction) => transaction.run(statement).await,
        None => Err(DbError::Bug("there is no open transaction".into())),
    }
}

/// Reads what every change of a row has: its precondition and its body.
///
/// # Errors
///
/// A parameter, a wrong `If-Match`, or a body that cannot be read.
pub async fn change(
    app: &AppState,
    owner: &OwnerId,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(IfMatch, Body), ApiError> {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let if_match = if_match(request)?;
    let bytes = body::read(app, owner, request, payload).await?;
    Ok((if_match, bytes))
}

/// The id in the path; 404 if it is not a UUID in canonical form.
///
/// # Errors
///
/// That.
pub fn row_id(request: &HttpRequest, noun: &Noun) -> Result<ResourceId, ApiError> {
    let segment = request.match_info().get("id");
    segment
        .and_then(ResourceId::parse)
        .ok_or_else(|| noun.not_found())
}

/// The body of a row to be, with what is wrong with an id that the client has given.
///
/// # Errors
///
/// Both, as `invalid` puts them.
pub fn with_new_id<D>(
    id: ResourceId,
    parsed: Result<D, Vec<FieldError>>,
    invalid: impl Fn(Vec<FieldError>) -> ApiError,
) -> Result<D, ApiError> {
    let Some(why) = id.why_not_new(Timestamp::now()) else {
        return parsed.map_err(invalid);
    };
    let mut errors = vec![FieldError::in_body("/id", why)];
    errors.extend(parsed.err().unwrap_or_default());
    Err(invalid(errors))
}

/// 200 with a row.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn row(row: &impl Owned) -> HandlerResult {
    with_row(HttpResponse::Ok(), row)
}

/// 304: the client has this version.
pub fn not_modified(row: &impl Owned) -> HttpResponse {
    let etag = EntityTag(row.version()).to_string();
    HttpResponse::NotModified()
        .insert_header((ETAG, etag))
        .finish()
}

/// 201 with a row that was created, now or by an earlier request with the same key.
/// `path` is that of the collection.
///
/// # Errors
///
/// The key was used for something else.
pub fn created<R: Owned>(
    app: &AppState,
    request: &HttpRequest,
    path: &str,
    created: Created<R>,
) -> HandlerResult {
    let (new, replayed) = match created {
        Created::New(new) => (new, false),
        Created::Replayed(new) => (new, true),
        Created::KeyReused => {
            return Err(ApiError::new(
                Code::IdempotencyKeyReused,
                "this Idempotency-Key was used with another body or at another endpoint; use a new key for something new",
            ));
        }
    };
    let mut response = HttpResponse::Created();
    let prefix = prefix(request, &app.trusted_proxies);
    response.insert_header((LOCATION, format!("{prefix}{path}/{}", new.id().0)));
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    with_row(response, &new)
}

fn with_row(mut response: HttpResponseBuilder, row: &impl Owned) -> HandlerResult {
    let mut json = Vec::new();
    row.write_json(&mut json).map_err(unserializable)?;
    response.insert_header((ETAG, EntityTag(row.version()).to_string()));
    Ok(response.content_type(ContentType::json()).body(json))
}

/// The body of a page, or its refusal while too many large bodies are held. Its bytes are
/// counted before the first is written, because many pages that are written at once are
/// memory, too.
///
/// # Errors
///
/// A column has a value that Todoward never writes.
pub fn page_body<T: Table>(
    rows: &[T::Fields<'_>],
    cursor: Option<&str>,
    owner: &OwnerId,
    budget: &ResponseBudget,
) -> QueryResult<Result<BudgetedBody, ApiError>> {
    // Allocated once: a large page would be in memory twice while its buffer grows.
    let size: usize = rows.iter().map(|row| T::json_size(row, owner) + 1).sum();
    // Sizes are upper bounds, and no page is larger than this.
    let size = (size + cursor.map_or(0, str::len) + 64).min(LARGEST_BODY);
    let held = match budget.hold(owner, size) {
        Ok(held) => held,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut json = Vec::with_capacity(size);
    json.extend_from_slice(b"{\"items\":[");
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        T::write_json(row, owner, &mut json).map_err(unwritable)?;
    }
    json.extend_from_slice(b"],\"next_cursor\":");
    serde_json::to_writer(&mut json, &cursor).map_err(unwritable)?;
    json.push(b'}');
    Ok(Ok(BudgetedBody::new(json, held)))
}

/// 200 with a page, and the path of the next one.
pub fn page(body: BudgetedBody, next: Option<String>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, format!("<{next}>; rel=\"next\"")));
    }
    response.content_type(ContentType::json()).body(body)
}

fn unwritable(error: serde_json::Error) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(error.into())
}

fn unserializable(error: serde_json::Error) -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred").with_source(error)
}
