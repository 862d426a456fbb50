//! A peer for comparison: axum and tokio-postgres, as fast as we could make them. It has
//! the measured operations, verifies the token, and filters by the owner in every
//! statement. It has nothing else of Todoward's contract, which is its advantage.

mod auth;
mod changes;
mod operations;
mod store;
mod task;

use std::sync::Arc;

use auth::Owner;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::serve::ListenerExt as _;
use serde::Serialize;
use store::Store;
use task::{Draft, Task};
use tokio::net::TcpListener;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct App {
    store: Store,
    keys: auth::Keys,
}

type Shared = State<Arc<App>>;

#[derive(Serialize)]
struct List<'a> {
    items: &'a [Task<'a>],
    next_cursor: Option<String>,
}

async fn list(
    State(app): Shared,
    owner: Owner,
    RawQuery(query): RawQuery,
) -> Result<Response, StatusCode> {
    let query = query.as_deref().unwrap_or_default();
    if query.contains("sort=position") {
        return operations::list_by_position(&app, &owner.0, query).await;
    }
    let (limit, after) = page(query)?;
    let rows = app.store.list(&owner.0, after, limit + 1).await?;
    let has_more = rows.len() > limit as usize;
    let items: Vec<Task<'_>> = rows
        .iter()
        .take(limit as usize)
        .map(|row| Task::of(row, &owner.0))
        .collect();
    let next_cursor = items
        .last()
        .filter(|_| has_more)
        .map(|last| last.id.to_string());
    Ok(json(
        StatusCode::OK,
        &List {
            items: &items,
            next_cursor,
        },
    ))
}

/// `limit` and the cursor, which is the last id.
fn page(query: &str) -> Result<(i64, Option<Uuid>), StatusCode> {
    let (mut limit, mut after) = (50, None);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("limit", value)) => {
                limit = value.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
            }
            Some(("cursor", value)) => {
                after = Some(value.parse().map_err(|_| StatusCode::BAD_REQUEST)?);
            }
            _ => return Err(StatusCode::BAD_REQUEST),
        }
    }
    match limit {
        1..=200 => Ok((limit, after)),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

async fn create(State(app): Shared, owner: Owner, body: Bytes) -> Result<Response, StatusCode> {
    let draft: Draft<'_> =
        serde_json::from_slice(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    draft.check()?;
    let tags = draft.tags_column();
    let task = draft.into_task(&owner.0, tags.as_str());
    app.store.create(&task).await?;
    let location = format!("/api/v1/tasks/{}", task.id);
    let mut response = json(StatusCode::CREATED, &task);
    if let Ok(location) = location.try_into() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn read(
    State(app): Shared,
    owner: Owner,
    Path(id): Path<Uuid>,
) -> Result<Response, StatusCode> {
    let row = app.store.read(&owner.0, id).await?;
    Ok(json(StatusCode::OK, &Task::of(&row, &owner.0)))
}

async fn complete(
    State(app): Shared,
    owner: Owner,
    Path(id): Path<Uuid>,
) -> Result<Response, StatusCode> {
    let row = app.store.toggle(&owner.0, id).await?;
    Ok(json(StatusCode::OK, &Task::of(&row, &owner.0)))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    match serde_json::to_vec(value) {
        Ok(body) => (status, JSON, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Arc::new(App {
        store: Store::connect(&std::env::var("DATABASE_URL")?).await?,
        keys: auth::Keys::of(std::env::var("BETTER_AUTH_SECRET")?.as_bytes()),
    });
    let router = Router::new()
        .route("/api/v1/tasks", get(list).post(create))
        .route("/api/v1/tasks/count", get(operations::count))
        .route("/api/v1/tasks/{id}", get(read))
        .route("/api/v1/tasks/{id}/complete", patch(complete))
        .route("/api/v1/tasks/{id}/move", post(operations::relocate))
        .route("/api/v1/batch", post(operations::batch))
        .route("/api/v1/changes", get(changes::changes))
        .with_state(app);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Without TCP_NODELAY responses wait for acknowledgements.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
