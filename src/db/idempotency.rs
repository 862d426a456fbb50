//! Creating rows once for each Idempotency-Key.
//!
//! Invariants: key and row are written in one transaction. Whoever comes second with
//! a key waits for the first, and then repeats its response. A request has one id for
//! its row, however often it is tried: a try that comes after one which happened
//! finds the row, and makes no other.

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

/// What creating has led to.
#[derive(Debug)]
pub enum Created<M> {
    /// A new row.
    New(M),
    /// What the key has created before, as it was then.
    Replayed(M),
    /// The key was used with another body.
    KeyReused,
}

/// Makes a row, of whatever `make` makes with an id. With a key it happens once in
/// 24 hours, whatever the concurrency, and whatever crashes. The id is the request's
/// own: a new one, and the same in all its tries.
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

/// Whether the row could not be inserted because an earlier try of the same request
/// has. Somebody may have changed it since.
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

/// What a key has created: the same bytes make the same row, whatever became of it
/// since. That of this request's own id is not from an earlier request.
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

dynamic_query!([] ClaimKey<'_>);
