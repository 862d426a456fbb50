//! The handlers of the changes API.

use std::io::Write as _;

use actix_web::http::header::ContentType;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::cursor::Kind;
use super::query::ChangesQuery;
use super::repository::{NumberChanges, Numbered, Page, Read, ReadChanges};
use crate::auth::OwnerId;
use crate::db::statement::Statement as _;
use crate::http::app_state::AppState;
use crate::http::errors::database_error;
use crate::http::resource::{HandlerResult, run_in};
use crate::http::response_budget::{BudgetedBody, ResponseBudget};
use crate::primitives::problem::{ApiError, Code};

/// `GET /changes`
pub(super) async fn list_changes(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let ChangesQuery { since, limit } = ChangesQuery::parse(request.query_string(), &owner)?;
    let mut read = ReadChanges {
        since,
        limit,
        days: app.changes_days,
        numbered: Numbered::NotYet,
    };
    loop {
        let budget = app.response_budget.clone();
        // Serialized on the database thread, where its bytes are counted at once.
        let statement = read.clone().then(move |read, owner| match read {
            Read::Page(page) => render(page, owner, &budget).map(Some),
            Read::Reset => Err(sync_reset()),
            Read::Unnumbered => Ok(None),
        });
        let body = run_in(&app, owner.clone(), &request, statement).await;
        if let Some(body) = body.map_err(database_error)?? {
            let mut response = HttpResponse::Ok();
            return Ok(response.content_type(ContentType::json()).body(body));
        }
        let numbered = run_in(&app, owner.clone(), &request, NumberChanges).await;
        read.numbered = numbered.map_err(database_error)?;
    }
}

fn sync_reset() -> ApiError {
    ApiError::new(
        Code::SyncReset,
        "changes cannot be followed from this cursor any more: it is too old, or the data was restored, moved or erased since; start again without since and replace your copy",
    )
}

fn render(page: Page, owner: &OwnerId, budget: &ResponseBudget) -> Result<BudgetedBody, ApiError> {
    let next = page.next.close(owner.as_str());
    let rows = page.tasks.iter().chain(&page.lists);
    let size = rows.map(|row| row.len() + 1).sum::<usize>() + 64 * page.gone.len() + 256;
    let held = budget.hold(owner, size)?;
    let mut json = Vec::with_capacity(size);
    json.extend_from_slice(b"{\"tasks\":");
    write_rows(&mut json, &page.tasks);
    json.extend_from_slice(b",\"lists\":");
    write_rows(&mut json, &page.lists);
    json.extend_from_slice(b",\"gone\":[");
    for (at, (kind, id)) in page.gone.iter().enumerate() {
        let kind = match kind {
            Kind::List | Kind::GoneList => "list",
            Kind::Task | Kind::GoneTask => "task",
        };
        let comma = if at == 0 { "" } else { "," };
        // Writing to memory cannot fail; a cursor is base64url, which needs no escapes.
        let _ = write!(json, "{comma}{{\"kind\":\"{kind}\",\"id\":\"{id}\"}}");
    }
    let _ = write!(json, "],\"next\":\"{next}\",\"more\":{}}}", page.more);
    Ok(BudgetedBody::new(json, held))
}

fn write_rows(json: &mut Vec<u8>, rows: &[Vec<u8>]) {
    json.push(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(row);
    }
    json.push(b']');
}
