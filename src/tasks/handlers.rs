//! The handlers of the tasks API. Each checks in the documented order: query,
//! headers, body, then the row.

use actix_web::http::header::{ContentType, ETAG, LINK, LOCATION};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::json;

use super::completion::CompleteTask;
use super::count::CountTasks;
use super::errors::{failed, invalid_task, task_not_found};
use super::input::{Completion, NewTask, Patch, no_fields};
use super::model::Task;
use super::moving::{Move, MoveTask};
use super::query::{Clear, CountQuery, ListQuery, is_permanent};
use super::repository::{CreateTask, ListTasks, Page, ReadTask, UpdateTask};
use super::trash::{ClearCompleted, DeleteTask, EmptyTrash, RestoreTask};
use crate::auth::OwnerId;
use crate::db::idempotency::Created;
use crate::db::statement::Statement;
use crate::http::app_state::AppState;
use crate::http::body;
use crate::http::body::Body;
use crate::http::conditions::{idempotency_key, if_match, if_none_match};
use crate::http::errors::invalid_query;
use crate::http::prefix::prefix;
use crate::http::response_budget::{BudgetedBody, ResponseBudget};
use crate::primitives::deadline::deadline;
use crate::primitives::entity_tag::{EntityTag, IfMatch};
use crate::primitives::id::ResourceId;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};

/// The path in links. It has no host and no external prefix: behind a proxy the
/// server sees neither as the client does. A trusted proxy sends the prefix in
/// `X-Forwarded-Prefix`.
const TASKS: &str = "/api/v1/tasks";

type HandlerResult = Result<HttpResponse, ApiError>;

/// `GET /tasks`
pub async fn list_tasks(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let query = ListQuery::parse(request.query_string(), &owner)?;
    let (list, budget) = (query.clone(), app.response_budget.clone());
    let prefix = prefix(&request, &app.trusted_proxies).to_owned();
    // Serialized on the database thread that has read it, where its bytes are
    // counted at once: pages that wait for an HTTP worker would be uncounted memory.
    let statement =
        ListTasks(query).then(move |page, owner| render(page, owner, &list, &budget, &prefix));
    let (body, next) = run(&app, owner, &request, statement).await??;
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, next));
    }
    Ok(response.content_type(ContentType::json()).body(body))
}

/// Returns the body of a page and the `Link` to the next one.
fn render(
    page: Page,
    owner: &OwnerId,
    query: &ListQuery,
    budget: &ResponseBudget,
    prefix: &str,
) -> Result<(BudgetedBody, Option<String>), ApiError> {
    let next = page.next.as_ref();
    let cursor = next.map(|next| query.cursor_after(owner, next));
    // Allocated once: a large page would be in memory twice while its buffer grows.
    let tasks: usize = page.items.iter().map(|task| task.size(owner)).sum();
    let size = tasks + cursor.as_ref().map_or(0, String::len) + 64;
    let held = budget.hold(owner, size)?;
    let mut json = Vec::with_capacity(size);
    json.extend_from_slice(b"{\"items\":[");
    for (at, task) in page.items.into_iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        task.write(owner, &mut json).map_err(unserializable)?;
    }
    json.extend_from_slice(b"],\"next_cursor\":");
    serde_json::to_writer(&mut json, &cursor).map_err(unserializable)?;
    json.push(b'}');
    let body = BudgetedBody::new(json, held);
    let link = |cursor: &String| {
        let query = query.next_page(cursor);
        format!("<{prefix}{TASKS}?{query}>; rel=\"next\"")
    };
    Ok((body, cursor.as_ref().map(link)))
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
    idempotency_key(&request, &[])?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let key = idempotency_key(&request, &bytes)?;
    let new_task = NewTask::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let statement = CreateTask {
        id: ResourceId::generate(),
        new_task,
        key,
    };
    let created = run(&app, owner, &request, statement).await?;
    let (task, replayed) = match created {
        Created::New(task) => (task, false),
        Created::Replayed(task) => (task, true),
        Created::KeyReused => {
            return Err(ApiError::new(
                Code::IdempotencyKeyReused,
                "this Idempotency-Key was used with another body; use a new key for a new task",
            ));
        }
    };
    let mut response = HttpResponse::Created();
    let prefix = prefix(&request, &app.trusted_proxies);
    response.insert_header((LOCATION, format!("{prefix}{TASKS}/{}", task.id)));
    if replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    with_task(response, &task)
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
        let etag = EntityTag(task.version).to_string();
        return Ok(HttpResponse::NotModified()
            .insert_header((ETAG, etag))
            .finish());
    }
    task_response(&task)
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
    task_response(&task)
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
    task_response(&task)
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
    task_response(&task)
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
    task_response(&task)
}

/// Runs a statement for the owner within the deadline of the request.
async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    let done = app.db.run(owner, deadline(request), statement).await;
    done.map_err(failed)
}

/// Reads what every change of a task has: its precondition and its body.
async fn change(
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
fn task_id(request: &HttpRequest) -> Result<ResourceId, ApiError> {
    let segment = request.match_info().get("id");
    segment
        .and_then(ResourceId::parse)
        .ok_or_else(task_not_found)
}

fn unserializable(error: serde_json::Error) -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred").with_source(error)
}

fn task_response(task: &Task) -> HandlerResult {
    with_task(HttpResponse::Ok(), task)
}

fn with_task(mut response: HttpResponseBuilder, task: &Task) -> HandlerResult {
    let mut json = Vec::new();
    task.write_json(&mut json).map_err(unserializable)?;
    response.insert_header((ETAG, EntityTag(task.version).to_string()));
    Ok(response.content_type(ContentType::json()).body(json))
}
