//! The handlers of the lists API. Each checks in the documented order: query,
//! headers, body, then the row.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::errors::{LIST, invalid_list};
use super::input::{NewList, Patch, no_fields, parse_move};
use super::query::{ListsQuery, is_trash};
use super::repository::{CreateList, CreateListWithId, ListLists, MoveList, ReadList, UpdateList};
use super::trash::{DeleteList, EmptyTrash, RestoreList};
use crate::auth::OwnerId;
use crate::db::idempotency::Created;
use crate::db::statement::Statement;
use crate::http::app_state::AppState;
use crate::http::body;
use crate::http::conditions::{idempotency_key, if_match, if_none_match, is_to_create};
use crate::http::errors::invalid_query;
use crate::http::prefix::prefix;
use crate::http::resource::{self, HandlerResult, change, created, not_modified, row, with_new_id};
use crate::primitives::id::ResourceId;
use crate::primitives::parameters::{is_permanent, no_parameters};
use crate::primitives::problem::ApiError;

/// The path in links, without host and prefix.
const LISTS: &str = "/api/v1/lists";

/// `POST /lists` in the hash of its Idempotency-Key.
const ENDPOINT: &str = "POST /lists ";

/// `GET /lists`
pub async fn list_lists(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let query = ListsQuery::parse(request.query_string(), &owner)?;
    let budget = app.response_budget.clone();
    let page = run(&app, owner, &request, ListLists { query, budget }).await??;
    let prefix = prefix(&request, &app.trusted_proxies);
    let next = page.next.map(|next| format!("{prefix}{LISTS}?{next}"));
    Ok(resource::page(page.body, next))
}

/// `POST /lists`
pub async fn create_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    // Checks the header before the body is read; the key itself needs the body's hash.
    idempotency_key(&request, ENDPOINT, &[])?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let key = idempotency_key(&request, ENDPOINT, &bytes)?;
    let new_list = NewList::parse(&body::document(&request, &bytes)?).map_err(invalid_list)?;
    let statement = CreateList {
        id: ResourceId::generate(),
        new_list,
        key,
        admission: app.quotas.lists.admit(&owner),
    };
    let list = run(&app, owner, &request, statement).await?;
    created(&app, &request, LISTS, list)
}

/// `DELETE /lists?trash=true`
pub async fn delete_lists(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    is_trash(request.query_string()).map_err(invalid_query)?;
    let deleted = run(&app, owner, &request, EmptyTrash).await?;
    Ok(HttpResponse::Ok().json(json!({ "deleted": deleted })))
}

/// `GET /lists/{id}`
pub async fn read_list(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let known = if_none_match(&request)?;
    let id = list_id(&request)?;
    let list = run(&app, owner, &request, ReadList(id)).await?;
    if known.has(list.version) {
        return Ok(not_modified(&list));
    }
    row(&list)
}

/// `PUT /lists/{id}`: creates with `If-None-Match: *`, else merges as PATCH does.
pub async fn put_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    if !is_to_create(&request)? {
        return update_list(app, owner, request, payload).await;
    }
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let body = body::document(&request, &bytes)?;
    let id = list_id(&request)?;
    let new_list = with_new_id(id, NewList::parse(&body), invalid_list)?;
    let statement = CreateListWithId {
        id,
        new_list,
        admission: app.quotas.lists.admit(&owner),
    };
    let list = run(&app, owner, &request, statement).await?;
    created(&app, &request, LISTS, Created::New(list))
}

/// `PATCH /lists/{id}` and `PUT /lists/{id}`. Both are merge patches (RFC 7396), so
/// that a client that does not know a field cannot delete its value.
pub async fn update_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let patch = Patch::parse(&body::document(&request, &bytes)?).map_err(invalid_list)?;
    let id = list_id(&request)?;
    let statement = UpdateList {
        id,
        patch,
        if_match,
    };
    row(&run(&app, owner, &request, statement).await?)
}

/// `DELETE /lists/{id}`
pub async fn delete_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let permanent = is_permanent(request.query_string()).map_err(invalid_query)?;
    let if_match = if_match(&request)?;
    let statement = DeleteList {
        id: list_id(&request)?,
        if_match,
        permanent: permanent || !app.has_trash,
    };
    run(&app, owner, &request, statement).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /lists/{id}/move`
pub async fn move_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let spot = parse_move(&body::document(&request, &bytes)?).map_err(invalid_list)?;
    let id = list_id(&request)?;
    let statement = MoveList { id, spot, if_match };
    row(&run(&app, owner, &request, statement).await?)
}

/// `POST /lists/{id}/restore`
pub async fn restore_list(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    if !bytes.is_empty() {
        no_fields(&body::document(&request, &bytes)?).map_err(invalid_list)?;
    }
    let id = list_id(&request)?;
    row(&run(&app, owner, &request, RestoreList { id, if_match }).await?)
}

async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    resource::run(app, owner, request, &LIST, statement).await
}

fn list_id(request: &HttpRequest) -> Result<ResourceId, ApiError> {
    resource::row_id(request, &LIST)
}
