//! The handlers of the tags API. Each checks in the documented order: query, body, then
//! the rows.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::input::{name, new_name};
use super::repository::{ListTags, ReplaceTag};
use crate::auth::OwnerId;
use crate::db::statement::Statement;
use crate::http::app_state::AppState;
use crate::http::body;
use crate::http::errors::{database_error, invalid_query};
use crate::primitives::deadline::deadline;
use crate::primitives::field_error::FieldError;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};

type HandlerResult = Result<HttpResponse, ApiError>;

/// `GET /tags`
pub(super) async fn list_tags(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let tags = run(&app, owner, &request, ListTags).await?;
    let item = |(name, open, total)| json!({ "name": name, "open": open, "total": total });
    let items: Vec<_> = tags.into_iter().map(item).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items })))
}

/// `PATCH /tags?name=`
pub(super) async fn rename_tag(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let from = name(request.query_string()).map_err(invalid_query)?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let to = new_name(&body::document(&request, &bytes)?).map_err(invalid_tag)?;
    let to = Some(to);
    changed(run(&app, owner, &request, ReplaceTag { from, to }).await?)
}

/// `DELETE /tags?name=`
pub(super) async fn delete_tag(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let from = name(request.query_string()).map_err(invalid_query)?;
    let to = None;
    changed(run(&app, owner, &request, ReplaceTag { from, to }).await?)
}

fn changed(count: usize) -> HandlerResult {
    Ok(HttpResponse::Ok().json(json!({ "changed": count })))
}

/// 422: a body that is not a tag, or that only has unknown fields.
fn invalid_tag(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownField, Code::InvalidTag)
}

/// Runs a statement for the owner within the deadline of the request.
async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    let done = app.db.run(owner, deadline(request), statement).await;
    done.map_err(database_error)
}
