//! `GET /export`: a file, a page of the database at a time.
//!
//! Invariant: a task that is there throughout stands in the file once, whatever is written
//! meanwhile: pages follow each other by id. Between two pages no connection to the database
//! is held, and memory holds one page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use diesel::QueryResult;
use futures_util::stream;

use super::format::Format;
use super::media;
use super::query::export_format;
use super::writers::Writer;
use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::changed::{SelectChanged, Which};
use crate::db::connection::DbConnection;
use crate::db::error::DbError;
use crate::db::id::DbId;
use crate::db::owned::Owned;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::Table;
use crate::http::app_state::AppState;
use crate::http::errors::database_error;
use crate::http::resource::HandlerResult;
use crate::http::response_budget::Held;
use crate::lists::model::List;
use crate::primitives::problem::{ApiError, Code};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::Task;

/// The max number of rows that are read at once.
const ROWS: usize = 100;

/// The size after which a page ends, in bytes. The largest task has 142 KiB.
const PAGE: usize = 128 * 1024;

/// What an export counts in the budget of large bodies: its page, and what is being sent.
const HELD: usize = 4 * PAGE;

/// How long a page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an export goes on without a database.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before a page is asked for again.
const PAUSE: Duration = Duration::from_millis(200);

/// `GET /export`
pub(super) async fn export_tasks(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    let format = export_format(&request)?;
    let (kind, extension) = media::written(format).ok_or_else(internal)?;
    let day = Timestamp::now().utc().date_naive();
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((VARY, "Accept"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"todoward-{day}.{extension}\""),
        ))
        // nginx would hold pages back, on its disk if they are many.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        // As GET: of a length that is not known.
        return Ok(response.streaming(stream::empty::<Result<Bytes, Infallible>>()));
    }
    let held = app.response_budget.hold(&owner, HELD)?;
    let mut file = File {
        db: app.db()?.clone(),
        owner,
        step: Step::Lists(format),
        _held: held,
    };
    // A database that is down is a response, and not a file that ends early.
    let first = file.read(Instant::now()).await.map_err(database_error)?;
    let pages = stream::unfold(Some((first, file)), async |state| {
        let (page, mut file) = state?;
        let page = match page {
            Some(page) => page,
            None => match file.read(Instant::now() + PATIENCE).await {
                Ok(page) => page?,
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => {
                    log::warn!(cause:% = error; "an export ends early");
                    return Some((Err(error), None));
                }
            },
        };
        Some((Ok::<_, DbError>(Bytes::from(page)), Some((None, file))))
    });
    Ok(response.streaming(Box::pin(pages)))
}

fn internal() -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred")
}

/// A file that is being written.
struct File {
    db: Db,
    owner: OwnerId,
    step: Step,
    _held: Held,
}

/// What comes next.
enum Step {
    /// The begin, with the lists.
    Lists(Format),
    /// The tasks behind an id, and how many to read at once.
    Tasks(Arc<Writer>, Option<DbId>, usize),
    /// Nothing.
    End,
}

impl File {
    /// The next page; none at the end. Asks again until an instant.
    async fn read(&mut self, until: Instant) -> Result<Option<Vec<u8>>, DbError> {
        loop {
            let read = match &self.step {
                Step::Lists(format) => {
                    let statement = Begin(*format);
                    self.run(statement).await
                }
                Step::Tasks(writer, after, rows) => {
                    let statement = Page {
                        writer: Arc::clone(writer),
                        after: *after,
                        rows: *rows,
                    };
                    self.run(statement).await
                }
                Step::End => return Ok(None),
            };
            match read {
                Ok((page, step)) => {
                    self.step = step;
                    // A file may begin with nothing.
                    if !page.is_empty() {
                        return Ok(Some(page));
                    }
                }
                Err(DbError::Bug(error)) => return Err(DbError::Bug(error)),
                Err(error) if Instant::now() + PAUSE >= until => return Err(error),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn run<S: Statement>(&self, statement: S) -> Result<S::Output, DbError> {
        let deadline = Instant::now() + PAGE_TIMEOUT;
        self.db.run(self.owner.clone(), deadline, statement).await
    }
}

/// The begin of a file.
struct Begin(Format);

impl Statement for Begin {
    type Output = (Vec<u8>, Step);
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Self::Output, Failure> {
        let Some(writer) = begin(conn, owner, self.0)? else {
            return Ok((Vec::new(), Step::End));
        };
        let mut out = Vec::new();
        writer.begin(&mut out);
        Ok((out, Step::Tasks(Arc::new(writer), None, ROWS)))
    }
}

/// Some tasks of a file, as they stand there.
struct Page {
    writer: Arc<Writer>,
    after: Option<DbId>,
    rows: usize,
}

impl Statement for Page {
    type Output = (Vec<u8>, Step);
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Self::Output, Failure> {
        let (mut out, mut after, mut rows) = (Vec::new(), self.after, self.rows);
        while out.len() < PAGE {
            let mut tasks: Vec<Task> = Vec::new();
            if read(conn, owner, after, rows, &mut tasks)?.is_none() {
                self.writer.end(&mut out);
                return Ok((out, Step::End));
            }
            // Large tasks that are too many for this page are read again, and fewer of them.
            rows = 0;
            for task in &tasks {
                if out.len() >= PAGE {
                    break;
                }
                self.writer.task(task, &mut out);
                after = Some(DbId(task.id));
                rows += 1;
            }
            rows = (2 * rows).min(ROWS);
        }
        Ok((out, Step::Tasks(Arc::clone(&self.writer), after, rows)))
    }
}

/// The writer of a file, which knows the owner's lists.
fn begin(conn: &mut DbConnection, owner: &OwnerId, format: Format) -> QueryResult<Option<Writer>> {
    let mut lists: Vec<List> = Vec::new();
    let mut after = None;
    while let Some(last) = read(conn, owner, after, ROWS, &mut lists)? {
        after = Some(last);
    }
    // What is in the trash is in JSON lines alone.
    lists.retain(|list| format == Format::Ndjson || list.deleted_at.is_none());
    Ok(Writer::new(format, lists))
}

/// Writes some tasks behind an id, and says which was the last, and how many they were; none
/// if there is none.
fn page(
    conn: &mut DbConnection,
    owner: &OwnerId,
    writer: &Writer,
    after: Option<DbId>,
    out: &mut Vec<u8>,
) -> QueryResult<Option<(DbId, usize)>> {
    let mut tasks: Vec<Task> = Vec::new();
    let last = read(conn, owner, after, ROWS, &mut tasks)?;
    for task in &tasks {
        writer.task(task, out);
    }
    Ok(last.map(|last| (last, tasks.len())))
}

/// Reads some rows behind an id, and says which was the last.
fn read<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    after: Option<DbId>,
    max: usize,
    rows: &mut Vec<M>,
) -> QueryResult<Option<DbId>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let select = SelectChanged::new(owner, Which::All(after), max);
    let found = M::Row::load_changed(conn, select)?;
    let last = found.last().map(|(_, row)| row.id());
    rows.extend(
        found
            .iter()
            .map(|(_, row)| M::from_fields(&row.fields(), owner)),
    );
    Ok(last)
}

/// Writes a whole file, for a command. `each` gets it in pieces, with the number of tasks so
/// far.
///
/// # Errors
///
/// The database failed, or `each` did.
pub fn write_all<E: From<diesel::result::Error>>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    format: Format,
    mut each: impl FnMut(&[u8], usize) -> Result<(), E>,
) -> Result<(), E> {
    let Some(writer) = begin(conn, owner, format)? else {
        return Ok(());
    };
    let (mut out, mut after, mut count) = (Vec::new(), None, 0);
    writer.begin(&mut out);
    while let Some((last, tasks)) = page(conn, owner, &writer, after, &mut out)? {
        count += tasks;
        each(&out, count)?;
        out.clear();
        after = Some(last);
    }
    writer.end(&mut out);
    each(&out, count)
}
