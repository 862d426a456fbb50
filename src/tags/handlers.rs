//! The handlers of the tags API. Each checks in the documented order: query, body, then
//! the rows.

use std::io::Write as _;

use actix_web::http::header::ContentType;
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
use crate::http::resource;
use crate::http::response_budget::{BudgetedBody, ResponseBudget};
use crate::primitives::field_error::FieldError;
use crate::primitives::json_writer;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code, OwnCode};
use crate::tasks::tagged::TagCount;

type HandlerResult = Result<HttpResponse, ApiError>;

/// `GET /tags`
pub(super) async fn list_tags(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let budget = app.response_budget.clone();
    // Serialized on the database thread, where its bytes are counted at once.
    let statement = ListTags.then(move |tags, owner| render(&tags, owner, &budget));
    let body = run(&app, owner, &request, statement).await??;
    let mut response = HttpResponse::Ok();
    Ok(response.content_type(ContentType::json()).body(body))
}

fn render(
    tags: &[TagCount],
    owner: &OwnerId,
    budget: &ResponseBudget,
) -> Result<BudgetedBody, ApiError> {
    let size = tags.iter().map(|(name, ..)| name.len() + 72).sum::<usize>() + 16;
    let held = budget.hold(owner, size)?;
    let mut json = Vec::with_capacity(size);
    json.extend_from_slice(b"{\"items\":[");
    for (at, (name, open, total)) in tags.iter().enumerate() {
        json.extend_from_slice(if at == 0 {
            b"{\"name\":"
        } else {
            b",{\"name\":"
        });
        // Writing strings and numbers to memory cannot fail.
        let _ = json_writer::text(&mut json, name);
        let _ = write!(json, ",\"open\":{open},\"total\":{total}}}");
    }
    json.extend_from_slice(b"]}");
    Ok(BudgetedBody::new(json, held))
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

/// The code of a body that is not a tag.
pub(super) const INVALID: Code = Code::Own(&OwnCode {
    code: "invalid_tag",
    status: 422,
    detail: "name must be 1 to 60 characters",
    errors: &[("/name", "must be 1 to 60 characters")],
});

/// 422: a body that is not a tag, or that only has unknown fields.
fn invalid_tag(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::UnknownField, INVALID)
}

/// Runs a statement for the owner within the deadline of the request.
async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    let done = resource::run_in(app, owner, request, statement).await;
    done.map_err(database_error)
}
