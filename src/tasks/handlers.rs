//! The tasks API. Each handler refuses in the order of the contract: query,
//! headers, body, then the row.

use actix_web::http::header::{ContentType, ETAG, LINK, LOCATION};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::json;

use super::errors::{failed, invalid_task, task_not_found};
use super::input::{Completion, NewTask, Patch};
use super::model::Task;
use super::query::{ListQuery, clear_completed as parse_clear};
use super::repository::{
    ClearCompleted, CompleteTask, CreateTask, DeleteTask, ListTasks, Page, ReadTask, UpdateTask,
};
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

/// Links never name the host or the mount a request came by: behind a proxy
/// neither is the client's. What stands before this path a proxy must say.
const TASKS: &str = "/api/v1/tasks";

type Answer = Result<HttpResponse, ApiError>;

/// `GET /tasks`
pub async fn list_tasks(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> Answer {
    let query = ListQuery::parse(request.query_string(), &owner)?;
    let (list, budget) = (query.clone(), app.waiting.clone());
    let prefix = prefix(&request, &app.trusted_proxies).to_owned();
    // Written as soon as it is read, and on the thread that has read it: pages
    // would pile up before the workers, where nothing counts their bytes.
    let statement =
        ListTasks(query).then(move |page, owner| render(page, owner, &list, &budget, &prefix));
    let (body, next) = run(&app, owner, &request, statement).await??;
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, next));
    }
    Ok(response.content_type(ContentType::json()).body(body))
}

/// The body of a page, and the link to the next one.
fn render(
    page: Page,
    owner: &OwnerId,
    query: &ListQuery,
    waiting: &ResponseBudget,
    prefix: &str,
) -> Result<(BudgetedBody, Option<String>), ApiError> {
    let next = page.next.as_ref();
    let cursor = next.map(|next| query.cursor_after(owner, next));
    // In one step: a page may be large, and would lie there twice while it grows.
    let tasks: usize = page.items.iter().map(|task| task.size(owner)).sum();
    let size = tasks + cursor.as_ref().map_or(0, String::len) + 64;
    let held = waiting.hold(owner, size)?;
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

/// `POST /tasks`
pub async fn create_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> Answer {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    // Headers are refused before the body is read, with which the key is hashed.
    idempotency_key(&request, &[])?;
    let bytes = body::read(&app, &owner, &request, payload).await?;
    let key = idempotency_key(&request, &bytes)?;
    let draft = NewTask::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let statement = CreateTask {
        id: ResourceId::generate(),
        draft,
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

/// `DELETE /tasks?completed=true`
pub async fn clear_completed(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> Answer {
    parse_clear(request.query_string()).map_err(invalid_query)?;
    let deleted = run(&app, owner, &request, ClearCompleted).await?;
    Ok(HttpResponse::Ok().json(json!({ "deleted": deleted })))
}

/// `GET /tasks/{id}`
pub async fn read_task(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> Answer {
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
    answer(&task)
}

/// `PATCH /tasks/{id}` and `PUT /tasks/{id}`: a merge patch (RFC 7396) both, so
/// that a client which does not know a field cannot wipe it.
pub async fn update_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> Answer {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let patch = Patch::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?;
    let id = task_id(&request)?;
    let statement = UpdateTask {
        id,
        patch,
        if_match,
    };
    let task = run(&app, owner, &request, statement).await?;
    answer(&task)
}

/// `PATCH /tasks/{id}/complete`
pub async fn complete_task(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> Answer {
    let (if_match, bytes) = change(&app, &owner, &request, payload).await?;
    let completion = match bytes.is_empty() {
        true => Completion::Toggle,
        false => Completion::parse(&body::document(&request, &bytes)?).map_err(invalid_task)?,
    };
    let id = task_id(&request)?;
    let statement = CompleteTask {
        id,
        completion,
        if_match,
    };
    let task = run(&app, owner, &request, statement).await?;
    answer(&task)
}

/// `DELETE /tasks/{id}`
pub async fn delete_task(app: Data<AppState>, owner: OwnerId, request: HttpRequest) -> Answer {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let if_match = if_match(&request)?;
    let id = task_id(&request)?;
    run(&app, owner, &request, DeleteTask { id, if_match }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a statement of the caller's yields, or why it yields nothing.
async fn run<S: Statement>(
    app: &AppState,
    owner: OwnerId,
    request: &HttpRequest,
    statement: S,
) -> Result<S::Output, ApiError> {
    let done = app.db.run(owner, deadline(request), statement).await;
    done.map_err(failed)
}

/// What every change of a task begins with: its condition and its body.
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

/// The id in the path. What is not one in its canonical form is no task's.
fn task_id(request: &HttpRequest) -> Result<ResourceId, ApiError> {
    let segment = request.match_info().get("id");
    segment
        .and_then(ResourceId::parse)
        .ok_or_else(task_not_found)
}

fn unserializable(error: serde_json::Error) -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred").with_source(error)
}

fn answer(task: &Task) -> Answer {
    with_task(HttpResponse::Ok(), task)
}

fn with_task(mut response: HttpResponseBuilder, task: &Task) -> Answer {
    let mut json = Vec::new();
    task.write_json(&mut json).map_err(unserializable)?;
    response.insert_header((ETAG, EntityTag(task.version).to_string()));
    Ok(response.content_type(ContentType::json()).body(json))
}
