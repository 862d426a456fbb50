//! The repository: every statement on tasks.
//!
//! Invariant: each function takes the owner, and the owner stands in the WHERE
//! clause of the statement that reads or writes. The one look-up without an
//! owner, which tells "somebody else's" from "nobody's", runs only after a
//! scoped statement has found nothing, and answers yes or no.

use diesel::prelude::*;
use diesel::result::Error;

use super::connection::DbConnection;
use super::id::DbId;
use super::page::{self, COLUMNS, Row};
use super::schema::tasks;
use super::statements::{AnyTask, FindTask, ReplaceTask, SetCompleted, TaskColumns};
use crate::auth::OwnerId;
use crate::domain::{
    Completion, IfMatch, ListQuery, Moment, Patch, Position, Task, TaskId, TaskJson,
};

pub use super::create::{Created, create};

/// How often a patch is merged anew because somebody else was faster. Each time
/// somebody's change got through.
const MOST_READINGS: usize = 1_000;

/// Why a statement on one task did not find it as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// No task has this id.
    NotFound,
    /// The task is somebody else's.
    NotOwner,
    /// The task is the owner's and in another version: this one.
    VersionMismatch(i64),
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The tasks.
    pub items: Vec<TaskJson>,
    /// The place behind them, if there are more.
    pub next: Option<Position>,
}

/// The owner's tasks that a query asks for.
pub fn list(conn: &mut DbConnection, owner: &OwnerId, query: &ListQuery) -> QueryResult<Page> {
    let mut rows = page::load(conn, owner, query)?;
    let has_more = page::cut(&mut rows, query);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|(last, title)| {
        let title = title.as_deref().unwrap_or_default();
        Position::of(&last.content(), query.sort.key, title)
    });
    // A row is gone as soon as it is written: a page may be large.
    let items = rows
        .into_iter()
        .map(|(row, _)| TaskJson::of(&row.content()));
    let items: serde_json::Result<_> = items.collect();
    Ok(Page {
        items: items.map_err(|error| Error::DeserializationError(error.into()))?,
        next,
    })
}

/// One task of the owner's.
pub fn find(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
) -> QueryResult<Result<Task, Miss>> {
    match read(conn, owner, id)? {
        Some(task) => Ok(Ok(task)),
        None => somebodys_or_nobodys(conn, id).map(Err),
    }
}

/// Changes the owner's task as a patch says. Read, merge, and write if the task
/// is still in the version that was read, else again: so the check of the
/// precondition and the write are one statement, and two patches of different
/// fields both hold.
pub fn update(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
    patch: &Patch,
    if_match: &IfMatch,
) -> QueryResult<Result<Task, Miss>> {
    for _ in 0..MOST_READINGS {
        let Some(task) = read(conn, owner, id)? else {
            return somebodys_or_nobodys(conn, id).map(Err);
        };
        if !if_match.allows(task.version) {
            return Ok(Err(Miss::VersionMismatch(task.version)));
        }
        let Some(new) = patch.apply(&task, Moment::now()) else {
            return Ok(Ok(task));
        };
        let written = ReplaceTask {
            owner,
            id: DbId(id),
            read_version: task.version,
            task: TaskColumns::of(&new),
        }
        .execute(conn)?;
        if written == 1 {
            return Ok(Ok(new));
        }
    }
    // As a database that serialises would say it.
    Err(Error::RollbackTransaction)
}

/// Sets or toggles the completion of the owner's task.
pub fn complete(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
    completion: Completion,
    if_match: &IfMatch,
) -> QueryResult<Result<Task, Miss>> {
    // Stepped to its end, not only to its first row: SQLite commits at the end,
    // and says there that it could not.
    let updated: Vec<Row> = set_completed(owner, id, completion, if_match).load(conn)?;
    match updated.into_iter().next() {
        Some(row) => Ok(Ok(row.into_task(owner))),
        None => why_missing(conn, owner, id).map(Err),
    }
}

pub(super) fn set_completed<'a>(
    owner: &'a OwnerId,
    id: TaskId,
    completion: Completion,
    if_match: &'a IfMatch,
) -> SetCompleted<'a> {
    SetCompleted {
        owner,
        id: DbId(id),
        completed: match completion {
            Completion::Toggle => None,
            Completion::Set(completed) => Some(completed),
        },
        if_match,
        now: Moment::now().utc().naive_utc(),
    }
}

/// Deletes the owner's task.
pub fn delete(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
    if_match: &IfMatch,
) -> QueryResult<Result<(), Miss>> {
    let the_task = tasks::table
        .filter(tasks::owner_id.eq(owner.as_str()))
        .filter(tasks::id.eq(DbId(id)));
    let deleted = match if_match {
        IfMatch::Any => diesel::delete(the_task).execute(conn)?,
        IfMatch::Versions(versions) => {
            diesel::delete(the_task.filter(tasks::version.eq_any(versions))).execute(conn)?
        }
    };
    match deleted {
        0 => why_missing(conn, owner, id).map(Err),
        _ => Ok(Ok(())),
    }
}

/// Deletes the owner's completed tasks and says how many there were.
pub fn clear_completed(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<usize> {
    diesel::delete(
        tasks::table
            .filter(tasks::owner_id.eq(owner.as_str()))
            .filter(tasks::completed.eq(true)),
    )
    .execute(conn)
}

/// Whether the tables are there and answer.
pub fn check(conn: &mut DbConnection) -> QueryResult<()> {
    let nobody = tasks::table.filter(tasks::owner_id.eq("")).select(COLUMNS);
    nobody.limit(1).load::<Row>(conn).map(drop)
}

pub(super) fn read(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
) -> QueryResult<Option<Task>> {
    let statement = FindTask {
        owner,
        id: DbId(id),
    };
    let row: Option<Row> = statement.get_result(conn).optional()?;
    Ok(row.map(|row| row.into_task(owner)))
}

/// After a scoped statement found nothing: is the task there in another version,
/// is it somebody else's, or nobody's?
fn why_missing(conn: &mut DbConnection, owner: &OwnerId, id: TaskId) -> QueryResult<Miss> {
    if let Some(task) = read(conn, owner, id)? {
        return Ok(Miss::VersionMismatch(task.version));
    }
    somebodys_or_nobodys(conn, id)
}

/// The one look-up without an owner: yes or no.
fn somebodys_or_nobodys(conn: &mut DbConnection, id: TaskId) -> QueryResult<Miss> {
    let found: Option<i32> = AnyTask(DbId(id)).get_result(conn).optional()?;
    Ok(match found {
        Some(_) => Miss::NotOwner,
        None => Miss::NotFound,
    })
}
