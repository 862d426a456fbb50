//! Creates a row once for each Idempotency-Key.
//!
//! Invariants: key and row are written in one transaction. The second request with a
//! key waits for the first one and then repeats its response. All attempts of one
//! request use the same row id: an attempt after one that succeeded unnoticed finds
//! the row and creates no other.

use chrono::Duration;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Binary, Text};

use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::owned::{Owned, read};
use super::schema::idempotency_keys;
use super::statement::{Failure, Pass, dynamic_query, in_transaction};
use crate::auth::OwnerId;
use crate::primitives::id::ResourceId;
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::timestamp::Timestamp;

/// The result of creating a row.
#[derive(Debug)]
pub enum Created<M> {
    /// A new row.
    New(M),
    /// The row that the key created before, as it was then.
    Replayed(M),
    /// The key was used with another body.
    KeyReused,
}

/// Inserts the row that `make` returns for an id. With a key this happens once in 24
/// hours, despite concurrent requests and crashes. `id` is new for each request and
/// the same in all its attempts.
pub fn create<M: Owned + PartialEq>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    key: Option<&IdempotencyKey>,
    make: impl Fn(ResourceId) -> M,
) -> Result<Created<M>, Failure> {
    let new = make(id);
    let Some(key) = key else {
        insert(conn, &new).or_else(|error| was_inserted(conn, id, &new, error))?;
        return Ok(Created::New(new));
    };
    let created = in_transaction(conn, |conn| {
        let oldest = Timestamp::now().utc() - Duration::hours(IdempotencyKey::REMEMBERED_HOURS);
        let forgotten_before = DbId(ResourceId::first_at(Timestamp::new(oldest)));
        let claimed = ClaimKey {
            owner,
            key,
            task_id: DbId(id),
            forgotten_before,
        }
        .execute(conn)?;
        if claimed == 0 {
            return replay(conn, owner, id, new, key, make);
        }
        diesel::delete(
            idempotency_keys::table
                .filter(idempotency_keys::owner_id.eq(owner.as_str()))
                .filter(idempotency_keys::task_id.lt(forgotten_before)),
        )
        .execute(conn)?;
        insert(conn, &new)?;
        Ok(Created::New(new))
    })?;
    Ok(created)
}

fn insert(conn: &mut DbConnection, new: &impl Owned) -> QueryResult<()> {
    new.insert().execute(conn).map(drop)
}

/// Succeeds if the insert failed because an earlier attempt of the same request has
/// inserted the row, which may have been changed since.
fn was_inserted<M: Owned + PartialEq>(
    conn: &mut DbConnection,
    id: ResourceId,
    new: &M,
    error: Error,
) -> QueryResult<()> {
    if !matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    ) {
        return Err(error);
    }
    match read::<M>(conn, new.owner(), id)? {
        Some(found) if found == *new || found.version() > new.version() => Ok(()),
        Some(_) | None => Err(error),
    }
}

/// The row that a key has created, rebuilt from the body: the same bytes give the
/// same row, even if it was changed or deleted since. If the key holds this
/// request's own id, an earlier attempt of this request created it: no replay.
fn replay<M>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    own_id: ResourceId,
    new: M,
    key: &IdempotencyKey,
    make: impl Fn(ResourceId) -> M,
) -> QueryResult<Created<M>> {
    let (body_hash, id): (Vec<u8>, DbId) = idempotency_keys::table
        .filter(idempotency_keys::owner_id.eq(owner.as_str()))
        .filter(idempotency_keys::key.eq(key.as_str()))
        .select((idempotency_keys::body_hash, idempotency_keys::task_id))
        .get_result(conn)?;
    if id.0 == own_id {
        return Ok(Created::New(new));
    }
    if body_hash != key.body_hash() {
        return Ok(Created::KeyReused);
    }
    Ok(Created::Replayed(make(id.0)))
}

/// INSERT: claims an Idempotency-Key for a new task, if the key is unused or has
/// expired. Writes one row, or none if the key is in use; waits for a concurrent
/// transaction that is claiming the same key.
struct ClaimKey<'a> {
    owner: &'a OwnerId,
    key: &'a IdempotencyKey,
    task_id: DbId,
    /// Keys of tasks that were created before this id's time have expired.
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

dynamic_query!([] ClaimKey<'_>);
