//! The handlers of the tasks API. Each checks in the documented order: query,
//! headers, body, then the row.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::completion::CompleteTask;
use super::count::CountTasks;
use super::errors::{TASK, invalid_task};
use super::input::{Completion, NewTask, Patch, no_fields};
use super::moving::{Move, MoveTask};
use super::page::ListTasks;
use super::query::{Clear, CountQuery, ListQuery};
use super::repository::{CreateTask, CreateTaskWithId, ReadTask, UpdateTask};
use super::trash::{ClearCompleted, DeleteTask, EmptyTrash, RestoreTask};
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

/// The path in links. It has no host and no external prefix: behind a proxy the
/// server sees neither as the client does. A trusted proxy sends the prefix in
/// `X-Forwarded-Prefix`.
const TASKS: &str = "/api/v1/tasks";

/// `POST /tasks` in the hash of its Idempotency-Key. It had the keys to itself once, and
/// what it has stored stays good.
const ENDPOINT: &str = "";

/// `GET /tasks`
pub async fn list_tasks(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let query = ListQuery::parse(request.query_string(), &owner)?;
    let budget = app.response_budget.clone();
    let page = run(&app, owner, &request, ListTasks { query, budget }).await??;
    let prefix = prefix(&request, &app.trusted_proxies);
    let next = page.next.map(|next| format!("{prefix}{TASKS}?{next}"));
    Ok(resource::page(page.body, next))
}

/// `GET /tasks/count`
pub async fn count_tasks(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let query = CountQuery::parse(request.query_string()).map_err(invalid_query)?;
    let count = run(&app, owner, &request, CountTasks(query)).await?;
    Ok(HttpResponse::Ok().json(count))
}

/// `POST /tasks`
pub async fn create_task(
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
    let new_task = NewTask::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let statement = CreateTask {
        id: ResourceId::generate(),
        new_task,
        key,
        admission: app.quotas.tasks.admit(&owner),
    };
    let task = run(&app, owner, &request, statement).await?;
    created(&app, &request, TASKS, task)
}

/// `DELETE /tasks?completed=true` and `DELETE /tasks?trash=true`
pub async fn delete_tasks(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let deleted = match Clear::parse(request.query_string()).map_err(invalid_query)? {
        Clear::Completed(before) => {
            let permanent = !app.has_trash;
            let statement = ClearCompleted { before, permanent };
            run(&app, owner, &request, statement).await?
        }
        Clear::Trash => run(&app, owner, &request, EmptyTrash).await?,
    };
    Ok(HttpResponse::Ok().json(json!({ "deleted": deleted })))
}

/// `GET /tasks/{id}`
pub async fn read_task(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let known = if_none_match(&request)?;
    let id = task_id(&request)?;
    let task = run(&app, owner, &request, ReadTask(id)).await?;
    if known.has(task.version) {
        return Ok(not_modified(&task));
    }
    row(&task)
}

/// `PUT /tasks/{id}`: creates with `If-None-Match: *`, else merges as PATCH does.
pub async fn put_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    if !is_to_create(&request)? {
        return update_task(app, owner, request, payload).await;
    }
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let body = body::document(&request, &bytes)?;
    let id = task_id(&request)?;
    let new_task = with_new_id(id, NewTask::parse(&body), invalid_task)?;
    let statement = CreateTaskWithId {
        id,
        new_task,
        admission: app.quotas.tasks.admit(&owner),
    };
    let task = run(&app, owner, &request, statement).await?;
    created(&app, &request, TASKS, Created::New(task))
}

/// `PATCH /tasks/{id}` and `PUT /tasks/{id}`. Both are merge patches (RFC 7396), so
/// that a client that does not know a field cannot delete its value.
pub async fn update_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let patch = Patch::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let id = task_id(&request)?;
    let statement = UpdateTask {
        id,
        patch,
        if_match,
    };
    let task = run(&app, owner, &request, statement).await?;
    row(&task)
}

/// `PATCH /tasks/{id}/complete`
pub async fn complete_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let completion = match bytes.is_empty() {
        true => Completion::default(),
        false => Completion::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?,
    };
    let id = task_id(&request)?;
    let statement = CompleteTask {
        id,
        completion,
        if_match,
    };
    let task = run(&app, owner, &request, statement).await?;
    row(&task)
}

/// `DELETE /tasks/{id}`
pub async fn delete_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let permanent = is_permanent(request.query_string()).map_err(invalid_query)?;
    let if_match = if_match(&request)?;
    let statement = DeleteTask {
        id: task_id(&request)?,
        if_match,
        permanent: permanent || !app.has_trash,
    };
    run(&app, owner, &request, statement).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /tasks/{id}/restore`
pub async fn restore_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    if !bytes.is_empty() {
        no_fields(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    }
    let id = task_id(&request)?;
    let task = run(&app, owner, &request, RestoreTask { id, if_match }).await?;
    row(&task)
}

/// `POST /tasks/{id}/move`
pub async fn move_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let to = Move::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let id = task_id(&request)?;
    let task = run(&app, owner, &request, MoveTask { id, to, if_match }).await?;
    row(&task)
}

async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    resource::run(app, owner, request, &TASK, statement).await
}

fn task_id(request: &HttpRequest) -> Result<ResourceId, ApiError> {
    resource::row_id(request, &TASK)
}
