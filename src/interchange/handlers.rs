//! `POST /import`. It checks in the documented order: query, headers, body.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::aside;
use super::document::{Document, DroppedItem, Invalid, MAX_ITEMS};
use super::format::Format;
use super::import::plan::{Counts, Plan, plan};
use super::import::snapshot::ReadSnapshot;
use super::import::write::{Limits, MayCreate, Written, write};
use super::query::ImportQuery;
use super::readers;
use super::slots::{MAX_OF_OWNER, Slots, TooMany, Turn};
use crate::auth::{self, OwnerId};
use crate::db::Progress;
use crate::db::bridge::Db;
use crate::db::connection::DbConnection;
use crate::db::error::DbError;
use crate::db::statement::Statement;
use crate::http::app_state::AppState;
use crate::http::body::read_file;
use crate::http::errors::{Noun, database_error};
use crate::http::resource::HandlerResult;
use crate::primitives::problem::{ApiError, Code};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::errors::TASK;

/// The max size of a file, in bytes.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;

/// How long an import may work, once its file is there.
const WORK: Duration = Duration::from_secs(60);

/// The pause before a statement is run that found the database overloaded.
const PAUSE: Duration = Duration::from_millis(50);

/// How many items of a file count as a request.
const ITEMS_PER_REQUEST: usize = 100;

/// How many bytes of a file that cannot be read count as a request.
const BYTES_PER_REQUEST: usize = 64 * 1024;

/// The most characters of a title in a note about it.
const SHOWN: usize = 200;

const NOUN: Noun = Noun {
    singular: "file",
    not_found: TASK.not_found,
    invalid: Code::InvalidImport,
};

/// `POST /import`
pub(super) async fn import_tasks(
    app: Data<AppState>,
    slots: Data<Slots>,
    owner: OwnerId,
    request: HttpRequest,
    payload: Payload,
) -> HandlerResult {
    let ImportQuery { formats, dry_run } = ImportQuery::parse(&request)?;
    let slot = slots.take(&owner).map_err(too_many)?;
    let file = read_file(MAX_BYTES, &request, payload).await?;
    let until = Instant::now() + WORK;
    let turn = within(until, slot.turn()).await?.ok_or_else(internal)?;
    let (turn, (file, format, read)) = blocking(until, turn, move || {
        let format = Format::among(&formats, &file).unwrap_or(Format::Ndjson);
        let read = readers::read(format, &file, MAX_ITEMS);
        (file, format, read)
    })
    .await?;
    let document = read.map_err(|invalid| {
        // It was read nevertheless.
        let count = u32::try_from(file.len() / BYTES_PER_REQUEST).unwrap_or(u32::MAX);
        auth::count_up_to(&request, &owner, count);
        invalid_import(invalid)
    })?;
    count_items(&request, &owner, &document)?;
    let import = Import {
        db: app.db()?.clone(),
        limits: Limits {
            tasks: app.quotas.tasks.clone(),
            lists: app.quotas.lists.clone(),
        },
        owner,
        file: Arc::new(file),
        format,
        until,
    };
    let done = import.run(turn, document, dry_run).await?;
    Ok(HttpResponse::Ok().json(done))
}

struct Import {
    db: Db,
    limits: Limits,
    owner: OwnerId,
    file: Arc<Vec<u8>>,
    format: Format,
    until: Instant,
}

impl Import {
    async fn run(
        &self,
        mut turn: Turn,
        document: Document,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let mut document = Some(document);
        loop {
            let snapshot = self.statement(|| ReadSnapshot).await?;
            let (file, format) = (Arc::clone(&self.file), self.format);
            let (owner, read_before) = (self.owner.clone(), document.take());
            let (back, planned) = blocking(self.until, turn, move || {
                // A plan takes the texts with it; after one that was stale they are read again.
                let document = match read_before {
                    Some(document) => document,
                    None => readers::read(format, &file, MAX_ITEMS)?,
                };
                let plan = plan(format, document, &owner, &snapshot, Timestamp::now());
                Ok(Arc::new(plan))
            })
            .await?;
            turn = back;
            let of_plan = planned.map_err(invalid_import)?;
            if dry_run {
                let created = of_plan.created();
                let may = || MayCreate(self.limits.clone(), created);
                self.statement(may).await?;
                return Ok(result(&of_plan, dry_run));
            }
            match self.write(&of_plan).await? {
                Written::All => {
                    drop(turn);
                    return Ok(result(&of_plan, dry_run));
                }
                Written::Stale => {}
                Written::Refused(rejection) => {
                    return Err(NOUN.failed(DbError::Rejected(rejection)));
                }
                Written::Unwanted => return Err(too_late()),
            }
            if Instant::now() >= self.until {
                return Err(too_late());
            }
        }
    }

    /// Runs a read, again while the database is overloaded and there is time.
    async fn statement<S: Statement>(&self, make: impl Fn() -> S) -> Result<S::Output, ApiError> {
        loop {
            let done = self.db.run(self.owner.clone(), self.until, make()).await;
            match done {
                Err(DbError::Overloaded) if Instant::now() + PAUSE < self.until => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(NOUN.failed(error)),
                Ok(output) => return Ok(output),
            }
        }
    }

    /// Writes a plan, in one transaction.
    async fn write(&self, plan: &Arc<Plan>) -> Result<Written, ApiError> {
        if plan.created() == Counts::default() {
            return Ok(Written::All);
        }
        let _long = self.db.begin_long_write();
        loop {
            let (plan, limits) = (Arc::clone(plan), self.limits.clone());
            let run = move |conn: &mut DbConnection, owner: &OwnerId, progress: &Progress<'_>| {
                write(conn, owner, &plan, &limits, |_| progress.goes_on())
            };
            let done = self
                .db
                .run_as_one_change(self.owner.clone(), self.until, run)
                .await;
            match done {
                Err(DbError::Overloaded) if Instant::now() + PAUSE < self.until => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error @ (DbError::OutcomeUnknown(_) | DbError::TooLate(_))) => {
                    let unknown = "it is unknown whether the file was imported; repeat it: what is there already stays as it is";
                    let code = database_error_code(&error);
                    return Err(ApiError::new(code, unknown)
                        .with_header("retry-after", "1")
                        .with_source(error));
                }
                Err(error) => return Err(database_error(error)),
                Ok(written) => return Ok(written),
            }
        }
    }
}

fn database_error_code(error: &DbError) -> Code {
    match error {
        DbError::TooLate(_) => Code::DeadlineExceeded,
        DbError::Rejected(_)
        | DbError::Unavailable(_)
        | DbError::OutcomeUnknown(_)
        | DbError::Overloaded
        | DbError::Bug(_) => Code::DatabaseUnavailable,
    }
}

/// Counts a file by its size: as a request for each hundred items. However large it is, it
/// is not more than a full bucket.
fn count_items(
    request: &HttpRequest,
    owner: &OwnerId,
    document: &Document,
) -> Result<(), ApiError> {
    let items = document.tasks.len() + document.lists.len();
    let count = u32::try_from(items.div_ceil(ITEMS_PER_REQUEST)).unwrap_or(u32::MAX);
    let count = count.min(auth::burst(request).unwrap_or(u32::MAX));
    auth::count_more(request, owner, count.saturating_sub(1))
}

/// Runs what needs a thread of its own. The turn stays taken until it has ended, whoever
/// still waits.
async fn blocking<T: Send + 'static>(
    until: Instant,
    turn: Turn,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<(Turn, T), ApiError> {
    let done = aside::run(move || {
        let output = run();
        (turn, output)
    });
    within(until, done).await?.ok_or_else(internal)
}

async fn within<T>(until: Instant, future: impl Future<Output = T>) -> Result<T, ApiError> {
    let done = tokio::time::timeout_at(until.into(), future).await;
    done.map_err(|_| too_late())
}

fn too_late() -> ApiError {
    ApiError::new(
        Code::DeadlineExceeded,
        "the import took longer than 60 seconds, and nothing was imported; try again later, or send a smaller file",
    )
}

fn internal() -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred")
}

fn invalid_import(invalid: Invalid) -> ApiError {
    let Invalid { line, detail } = invalid;
    ApiError::new(Code::InvalidImport, format!("line {line}: {detail}")).with_line(line)
}

fn too_many(too_many: TooMany) -> ApiError {
    let error = match too_many {
        TooMany::OfOwner => ApiError::new(
            Code::TooManyImports,
            format!(
                "{MAX_OF_OWNER} imports of yours are under way; wait until one of them has ended"
            ),
        ),
        TooMany::OfAll => ApiError::new(
            Code::Overloaded,
            "too many imports are under way; try again later",
        ),
    };
    error.with_header("retry-after", "5")
}

/// What was done, as JSON.
fn result(plan: &Plan, dry_run: bool) -> Value {
    let counts = |counts: Counts| json!({ "tasks": counts.tasks, "lists": counts.lists });
    let dropped: Vec<Value> = plan.dropped.items.iter().map(dropped).collect();
    json!({
        "dry_run": dry_run,
        "created": counts(plan.created()),
        "existing": counts(plan.existing),
        "dropped": dropped,
        "dropped_total": plan.dropped.total,
    })
}

fn dropped(item: &DroppedItem) -> Value {
    let shown = |text: &str| -> String { text.chars().take(SHOWN).collect() };
    json!({
        "line": item.line,
        "item": shown(&item.item),
        "field": shown(&item.field),
        "detail": shown(&item.detail),
    })
}
