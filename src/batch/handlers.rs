//! The handler of batches. It checks in the documented order: query, headers, body.

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use diesel::QueryResult;
use diesel::result::Error;

use super::endpoints::{Batches, Caller, Endpoints, internal};
use super::input::{self, Batch, Operation};
use super::results::{Outcome, Results};
use crate::auth::{self, OwnerId};
use crate::db::Progress;
use crate::db::connection::DbConnection;
use crate::db::open_transaction::OpenTransaction;
use crate::db::statement::Transaction;
use crate::http::app_state::AppState;
use crate::http::body;
use crate::http::conditions::IDEMPOTENCY_KEY;
use crate::http::errors::{database_error, invalid_query};
use crate::http::resource::HandlerResult;
use crate::http::response_budget::ResponseBudget;
use crate::primitives::deadline::deadline;
use crate::primitives::field_error::FieldError;
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};

/// The max size of the body, in bytes.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;

/// `POST /batch`
pub(super) async fn run_batch(
    app: Data<AppState>,
    batches: Data<Batches>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    if request.headers().contains_key(IDEMPOTENCY_KEY) {
        return Err(ApiError::new(
            Code::InvalidRequest,
            "a batch takes no Idempotency-Key; give each operation its own, in its headers",
        ));
    }
    let bytes = body::read_up_to(BODY_LIMIT, &app, &owner, &request, payload).await?;
    let document = body::document(&request, &bytes)?;
    let count = input::count(&document).map_or(1, |count| count);
    let batch = Batch::parse(&document, &bytes);
    count_operations(&request, &owner, count)?;
    let Batch { atomic, operations } = batch.map_err(invalid_batch)?;
    drop(document);
    let caller = Caller::of(&request).ok_or_else(internal)?;
    let budget = &app.response_budget;
    match atomic {
        true => {
            let run = Together {
                endpoints: Arc::clone(&batches.inside),
                caller,
                operations,
                budget: budget.clone(),
            };
            let run = move |conn: &mut DbConnection, owner: &OwnerId, progress: &Progress<'_>| {
                run.run(conn, owner, progress)
            };
            let done = batches.db.run_as_one_change(owner, deadline(&request), run);
            done.await.map_err(database_error)?.map(Results::response)
        }
        false => one_by_one(&batches, &caller, &operations, &owner, budget).await,
    }
}

/// Counts each operation as a request; the batch itself was counted as the first.
fn count_operations(request: &HttpRequest, owner: &OwnerId, count: usize) -> Result<(), ApiError> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let burst = auth::burst(request).filter(|burst| count > *burst);
    if let Some(burst) = burst {
        let error = format!("must be at most {burst}: so many requests are accepted at once");
        return Err(invalid_batch(vec![FieldError::in_body(
            "/operations",
            error,
        )]));
    }
    auth::count_more(request, owner, count - 1)
}

fn invalid_batch(errors: Vec<FieldError>) -> ApiError {
    ApiError::from_field_errors(errors, Code::InvalidBatch, Code::InvalidBatch)
}

/// An atomic batch: all of its operations are done, or none.
struct Together {
    endpoints: Arc<Endpoints>,
    caller: Caller,
    operations: Vec<Operation>,
    budget: ResponseBudget,
}

impl Together {
    /// Runs on a database thread, and again from the beginning if the database fails in a
    /// way that a retry may fix.
    fn run(
        &self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        progress: &Progress<'_>,
    ) -> QueryResult<Transaction<Result<Results, ApiError>>> {
        let refused = |error| Ok(Transaction::Rollback(Err(error)));
        let service = match progress.kept(|| self.endpoints.build()) {
            Ok(service) => service,
            Err(error) => return refused(error),
        };
        let transaction = OpenTransaction::default();
        let mut results = Results::new(owner, &self.budget);
        for (index, operation) in self.operations.iter().enumerate() {
            // The client has disconnected, or was told that it took too long.
            if !progress.goes_on() {
                return refused(internal());
            }
            if let Err(overloaded) = results.make_room() {
                return refused(overloaded);
            }
            let request = self.caller.request(operation);
            request.extensions_mut().insert(transaction.clone());
            let response = transaction.complete(service(request), conn, owner)?;
            let response =
                response.map_err(|error| Error::QueryBuilderError(error.to_string().into()))?;
            let (_, response) = response.into_parts();
            let outcome = Outcome::of(&self.caller, operation, response);
            if outcome.status >= 400 {
                return refused(outcome.refused(index));
            }
            results.push(&outcome);
        }
        transaction.finish(conn)?;
        if !progress.goes_on() {
            return refused(internal());
        }
        Ok(Transaction::Commit(Ok(results)))
    }
}

/// A batch each of whose operations stands for itself.
async fn one_by_one(
    batches: &Batches,
    caller: &Caller,
    operations: &[Operation],
    owner: &OwnerId,
    budget: &ResponseBudget,
) -> HandlerResult {
    let service = batches.alone()?;
    let mut results = Results::new(owner, budget);
    for operation in operations {
        let outcome = match results.make_room() {
            Ok(()) => {
                let response = service(caller.request(operation)).await;
                let (_, response) = response.map_err(|_| internal())?.into_parts();
                Outcome::of(caller, operation, response)
            }
            Err(overloaded) => Outcome::of(caller, operation, HttpResponse::from_error(overloaded)),
        };
        results.push(&outcome);
    }
    Ok(results.response())
}
