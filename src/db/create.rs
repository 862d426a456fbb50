//! Creating tasks, once for each Idempotency-Key.
//!
//! Invariants: key and task are written in one transaction. Whoever comes second
//! with a key waits for the first, and then repeats its answer. A request has one
//! id for its task, however often it is tried: a try that comes after one which
//! happened finds the task, and makes no other.

use chrono::Duration;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::prelude::*;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Binary, Text};

use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::schema::idempotency_keys;
use super::statements::{InsertTask, Pass, TaskColumns, told_apart_by_text};
use super::tasks::read;
use crate::auth::OwnerId;
use crate::domain::{Draft, IdempotencyKey, Moment, Task, TaskId};

/// What creating has led to.
#[derive(Debug)]
pub enum Created {
    /// A new task.
    New(Task),
    /// What the key has created before, as it was then.
    Replayed(Task),
    /// The key was used with another body.
    KeyReused,
}

/// Takes an Idempotency-Key for a task that is about to be made, if nobody has
/// it, or whoever had it had it too long ago. Touches one row, or none if the
/// key is taken; waits for a twin that is taking it.
struct ClaimKey<'a> {
    owner: &'a OwnerId,
    key: &'a IdempotencyKey,
    task_id: DbId,
    /// Keys of tasks made before this id's time are forgotten.
    forgotten_before: DbId,
}

impl QueryFragment<MultiBackend> for ClaimKey<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO idempotency_keys (owner_id, key, body_hash, task_id) VALUES (");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.key.as_str())?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.key.body_hash()[..])?;
        out.push_sql(", ");
        out.push_bind_param::<Id, _>(&self.task_id)?;
        out.push_sql(
            ") ON CONFLICT (owner_id, key) DO UPDATE \
             SET body_hash = excluded.body_hash, task_id = excluded.task_id \
             WHERE idempotency_keys.task_id < ",
        );
        out.push_bind_param::<Id, _>(&self.forgotten_before)
    }
}

told_apart_by_text!(ClaimKey);

/// Makes a task of a draft. With a key it happens once in 24 hours, whatever the
/// concurrency, and whatever crashes. The id is the request's own: a new one, and
/// the same in all its tries.
pub fn create(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: TaskId,
    draft: &Draft,
    key: Option<&IdempotencyKey>,
) -> QueryResult<Created> {
    let task = draft.clone().into_task(owner, id);
    let Some(key) = key else {
        insert(conn, &task).or_else(|error| was_inserted(conn, &task, error))?;
        return Ok(Created::New(task));
    };
    in_transaction(conn, |conn| {
        let oldest = Moment::now().utc() - Duration::hours(IdempotencyKey::REMEMBERED_HOURS);
        let forgotten_before = DbId(TaskId::first_at(Moment::new(oldest)));
        let claimed = ClaimKey {
            owner,
            key,
            task_id: DbId(id),
            forgotten_before,
        }
        .execute(conn)?;
        if claimed == 0 {
            return replay(conn, task, draft, key);
        }
        diesel::delete(
            idempotency_keys::table
                .filter(idempotency_keys::owner_id.eq(owner.as_str()))
                .filter(idempotency_keys::task_id.lt(forgotten_before)),
        )
        .execute(conn)?;
        insert(conn, &task)?;
        Ok(Created::New(task))
    })
}

fn insert(conn: &mut DbConnection, task: &Task) -> QueryResult<()> {
    InsertTask {
        owner: &task.owner_id,
        id: DbId(task.id),
        task: TaskColumns::of(task),
    }
    .execute(conn)
    .map(drop)
}

/// Whether the task could not be inserted because an earlier try of the same
/// request has. Somebody may have changed it since.
fn was_inserted(conn: &mut DbConnection, task: &Task, error: Error) -> QueryResult<()> {
    if !matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    ) {
        return Err(error);
    }
    match read(conn, &task.owner_id, task.id)? {
        Some(found) if found == *task || found.version > task.version => Ok(()),
        Some(_) | None => Err(error),
    }
}

/// What a key has created: the same bytes make the same task, whatever became
/// of it since. That of this request's own id is not from an earlier request.
fn replay(
    conn: &mut DbConnection,
    task: Task,
    draft: &Draft,
    key: &IdempotencyKey,
) -> QueryResult<Created> {
    let (body_hash, id): (Vec<u8>, DbId) = idempotency_keys::table
        .filter(idempotency_keys::owner_id.eq(task.owner_id.as_str()))
        .filter(idempotency_keys::key.eq(key.as_str()))
        .select((idempotency_keys::body_hash, idempotency_keys::task_id))
        .get_result(conn)?;
    if id.0 == task.id {
        return Ok(Created::New(task));
    }
    if body_hash != key.body_hash() {
        return Ok(Created::KeyReused);
    }
    let made_before = draft.clone().into_task(&task.owner_id, id.0);
    Ok(Created::Replayed(made_before))
}

/// A transaction that begins as a write. SQLite would otherwise begin it as a
/// read, and fail to change that while another one writes.
pub(super) fn in_transaction<T>(
    conn: &mut DbConnection,
    run: impl FnOnce(&mut DbConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    match conn {
        DbConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => AnsiTransactionManager::begin_transaction(postgres)?,
    }
    let result = run(conn);
    match conn {
        DbConnection::Sqlite(sqlite) => end_transaction(sqlite, result),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => end_transaction(postgres, result),
    }
}

fn end_transaction<C, T>(conn: &mut C, result: QueryResult<T>) -> QueryResult<T>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    match result {
        Ok(value) => AnsiTransactionManager::commit_transaction(conn).map(|()| value),
        Err(error) => {
            // The first error is the one that matters; a connection on which
            // even this fails is found broken afterwards.
            let _ = AnsiTransactionManager::rollback_transaction(conn);
            Err(error)
        }
    }
}
