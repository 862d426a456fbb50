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

use super::change::change_rows;
use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::owned::{Owned, insert, read};
use super::quota::Admission;
use super::rejection::Rejection;
use super::schema::idempotency_keys;
use super::statement::{Failure, Pass, dynamic_query};
use super::table::{Place, Table as _};
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

/// What a row is made of.
pub trait Draft {
    /// What it becomes.
    type Made: Owned + PartialEq;

    /// The row with an id. It is the same for the same bytes of a body.
    fn make(&self, owner: &OwnerId, id: ResourceId) -> Self::Made;

    /// Whether [`Draft::place`] has something to look up.
    fn has_place(&self) -> bool {
        false
    }

    /// Puts the row where the draft says, under the owner's lock.
    ///
    /// # Errors
    ///
    /// There is no such place.
    fn place(&self, _conn: &mut DbConnection, _row: &mut Self::Made) -> Result<(), Failure> {
        Ok(())
    }

    /// Puts a row whose id is the client's behind all that are there, as a change of now:
    /// its id may be from long ago.
    ///
    /// # Errors
    ///
    /// The database failed.
    fn stand_last(
        &self,
        conn: &mut DbConnection,
        row: &mut Self::Made,
        now: Timestamp,
    ) -> QueryResult<()>;

    /// The list that [`Draft::place`] has found, if the draft does not name it: a repeat
    /// cannot look it up again, because it may have changed since.
    fn found_list(&self, _row: &Self::Made) -> Option<ResourceId> {
        None
    }

    /// Puts a row that was made before into the list that was found then.
    fn recall(&self, _row: &mut Self::Made, _found: Option<ResourceId>) {}
}

/// Makes a row of a draft. With a key it happens once in 24 hours, whatever the
/// concurrency, and whatever crashes. The id is the request's own: a new one, and the
/// same in all its tries.
///
/// # Errors
///
/// The database failed, or the draft has no place.
pub fn create<D: Draft>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    key: Option<&IdempotencyKey>,
    draft: &D,
    admission: &Admission,
) -> Result<Created<D::Made>, Failure> {
    if key.is_none() && !draft.has_place() && admission.is_granted(conn, owner)? {
        let new = draft.make(owner, id);
        insert(conn, &new).or_else(|error| was_inserted(conn, id, &new, error))?;
        return Ok(Created::New(new));
    }
    change_rows(conn, owner, |conn, _| {
        if let Some(key) = key
            && let Some(earlier) = claim(conn, owner, id, key)?
        {
            return Ok(replay(owner, id, &earlier, key, draft));
        }
        let mut new = draft.make(owner, id);
        draft.place(conn, &mut new)?;
        admission.check(conn, owner)?;
        insert(conn, &new)?;
        if let (Some(key), Some(list)) = (key, draft.found_list(&new)) {
            diesel::update(idempotency_keys::table.find((owner.as_str(), key.as_str())))
                .set(idempotency_keys::list_id.eq(DbId(list)))
                .execute(conn)?;
        }
        Ok(Created::New(new))
    })
}

/// Makes a row of a draft, with an id that the client has given. The id makes a repeat
/// harmless.
///
/// # Errors
///
/// The database failed, the draft has no place, or the owner has or had a row with this
/// id.
pub fn create_with_id<D: Draft>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    draft: &D,
    admission: &Admission,
) -> Result<D::Made, Failure> {
    change_rows(conn, owner, |conn, change| {
        if let Some(found) = read::<D::Made>(conn, owner, id, Place::Anywhere)? {
            return Err(Rejection::Exists(Some(found.version())).into());
        }
        if change.has_ended(conn, <D::Made as Owned>::Row::NAME, DbId(id))? {
            return Err(Rejection::Exists(None).into());
        }
        let mut new = draft.make(owner, id);
        draft.place(conn, &mut new)?;
        draft.stand_last(conn, &mut new, change.now())?;
        admission.check(conn, owner)?;
        insert(conn, &new)?;
        Ok(new)
    })
}

/// What a key stands for.
struct Earlier {
    body_hash: Vec<u8>,
    id: ResourceId,
    list: Option<ResourceId>,
}

/// Takes a key, or finds what it stands for already.
fn claim(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    key: &IdempotencyKey,
) -> QueryResult<Option<Earlier>> {
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
        let (body_hash, id, list): (Vec<u8>, DbId, Option<DbId>) = idempotency_keys::table
            .filter(idempotency_keys::owner_id.eq(owner.as_str()))
            .filter(idempotency_keys::key.eq(key.as_str()))
            .select((
                idempotency_keys::body_hash,
                idempotency_keys::task_id,
                idempotency_keys::list_id,
            ))
            .get_result(conn)?;
        return Ok(Some(Earlier {
            body_hash,
            id: id.0,
            list: list.map(|list| list.0),
        }));
    }
    diesel::delete(
        idempotency_keys::table
            .filter(idempotency_keys::owner_id.eq(owner.as_str()))
            .filter(idempotency_keys::task_id.lt(forgotten_before)),
    )
    .execute(conn)?;
    Ok(None)
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
    match read::<M>(conn, new.owner(), id, Place::Anywhere)? {
        Some(found) if found == *new || found.version() > new.version() => Ok(()),
        Some(_) | None => Err(error),
    }
}

/// What a key has created: the same bytes make the same row, whatever became of it
/// since. That of this request's own id is not from an earlier request.
fn replay<D: Draft>(
    owner: &OwnerId,
    own_id: ResourceId,
    earlier: &Earlier,
    key: &IdempotencyKey,
    draft: &D,
) -> Created<D::Made> {
    let is_own = earlier.id == own_id;
    if !is_own && earlier.body_hash != key.body_hash() {
        return Created::KeyReused;
    }
    let mut made = draft.make(owner, earlier.id);
    draft.recall(&mut made, earlier.list);
    if is_own {
        Created::New(made)
    } else {
        Created::Replayed(made)
    }
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
             SET body_hash = excluded.body_hash, task_id = excluded.task_id, list_id = NULL \
             WHERE idempotency_keys.task_id < ",
        );
        out.push_bind_param::<Id, _>(&self.forgotten_before)
    }
}

dynamic_query!([] ClaimKey<'_>);
