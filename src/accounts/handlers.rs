//! The handlers of the accounts API. Each checks in the documented order: the age of the
//! token, path, query, headers, then the rows.

use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use chrono::DateTime;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::Rules;
use super::adopting::other_account;
use super::erasing::{Progress, erase};
use super::repository::{AdoptAll, CountAll, Counts};
use crate::auth::{Claims, OwnerId, unix_now};
use crate::http::app_state::AppState;
use crate::http::errors::{Noun, database_error, invalid_query};
use crate::http::resource::{HandlerResult, run, run_in};
use crate::primitives::deadline::deadline;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};
use crate::primitives::timestamp::Timestamp;

/// How long a client waits until everything is erased to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long before the deadline of the request it is told what was erased until then.
const BEFORE_DEADLINE: Duration = Duration::from_millis(200);

/// The words for what an adoption is refused for.
const ACCOUNT: Noun = Noun {
    singular: "account",
    not_found: Code::NoSuchAddress,
    invalid: Code::InvalidRequest,
};

/// `GET /users/me`
pub(super) async fn read_account(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let counts = run_in(&app, owner.clone(), &request, CountAll).await;
    let mut account = counted(&counts.map_err(database_error)?);
    let expires_at = claims(&request)?.expires_at() * 1000.0;
    let expires_at = DateTime::from_timestamp_millis(expires_at as i64).map(Timestamp::new);
    account.insert("owner_id".to_owned(), json!(owner.as_str()));
    account.insert("expires_at".to_owned(), json!(expires_at));
    Ok(HttpResponse::Ok().json(account))
}

/// `DELETE /users/{owner_id}`
pub(super) async fn erase_account(
    app: Data<AppState>,
    rules: Data<Rules>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    check_fresh(&app, &rules, &request)?;
    // That it names the caller, or says `me`, was checked.
    let named = request.uri().path().rsplit('/').next().unwrap_or_default();
    let named: Vec<u8> = percent_decode_str(named).collect();
    if named != owner.as_str().as_bytes() {
        return Err(ApiError::new(
            Code::InvalidRequest,
            "spell the id out: DELETE /api/v1/users/{owner_id} erases everything of that user, for good",
        ));
    }
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let progress = Progress::default();
    // It goes on if the client leaves.
    let db = app.db()?.clone();
    let erasing = erase(db, owner.clone(), progress.clone(), rules.turns.clone());
    let mut erasing = actix_rt::spawn(erasing);
    let until = deadline(&request)
        .checked_sub(BEFORE_DEADLINE)
        .unwrap_or_else(Instant::now)
        .min(Instant::now() + PATIENCE);
    let done = tokio::time::timeout_at(until.into(), &mut erasing).await;
    app.quotas.give_back(&owner);
    let counts = progress.counts();
    let is_pending = match done {
        Ok(Ok(Ok(is_whole))) => !is_whole,
        // Nothing was done, as far as is known. Else the background job goes on.
        Ok(Ok(Err(error))) if counts.total() == 0 => return Err(database_error(error)),
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => true,
    };
    let mut body = json!({ "deleted": counted(&counts) });
    if let (true, Some(body)) = (is_pending, body.as_object_mut()) {
        body.insert("pending".to_owned(), json!(true));
    }
    Ok(HttpResponse::Ok().json(body))
}

/// `POST /users/me/adopt`
pub(super) async fn adopt_account(
    app: Data<AppState>,
    rules: Data<Rules>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    check_fresh(&app, &rules, &request)?;
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let other = other_account(&app, &rules, &request, &owner).await?;
    let statement = AdoptAll {
        other: other.clone(),
        quotas: app.quotas.clone(),
        _long_write: app.db()?.begin_long_write(),
    };
    let counts = run(&app, owner.clone(), &request, &ACCOUNT, statement).await?;
    if other != owner {
        app.db()?.reset_watches(&other);
    }
    for owner in [&owner, &other] {
        app.quotas.give_back(owner);
    }
    Ok(HttpResponse::Ok().json(json!({ "adopted": counted(&counts) })))
}

fn counted(counts: &Counts) -> Map<String, Value> {
    let counts = counts.by_table();
    counts
        .map(|(name, n)| (name.to_owned(), n.into()))
        .collect()
}

fn check_fresh(app: &AppState, rules: &Rules, request: &HttpRequest) -> Result<(), ApiError> {
    let max_age = rules.max_token_age + app.leeway;
    Ok(claims(request)?.check_fresh(max_age, unix_now())?)
}

/// The claims of the caller, which the middleware has put there.
fn claims(request: &HttpRequest) -> Result<Claims, ApiError> {
    let claims = request.extensions().get::<Claims>().cloned();
    claims.ok_or_else(|| ApiError::new(Code::Internal, "an internal error occurred"))
}
