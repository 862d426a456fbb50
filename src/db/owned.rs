//! The operations on rows that belong to an owner: find, insert, change with
//! optimistic concurrency control, delete.
//!
//! Invariant: every statement filters by the owner in its WHERE clause. The only
//! look-up without an owner, which tells 403 from 404, runs after a scoped statement
//! has found nothing, and returns only whether the row exists.

use diesel::prelude::*;
use diesel::result::Error;

use super::change::Change;
use super::connection::DbConnection;
use super::id::DbId;
#[cfg(feature = "postgres")]
use super::pipelines::{self, Session};
use super::rejection::Rejection;
use super::statement::Failure;
#[cfg(feature = "postgres")]
use super::table::Find;
use super::table::{Delete, Exists, Insert, Place, Replace, Table};
use crate::auth::OwnerId;
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;

/// How often a change is attempted before it fails. Each failed attempt means that
/// another change of the row succeeded, so progress is guaranteed.
const MAX_ATTEMPTS: usize = 1_000;

/// A domain type that is stored as a row of a table.
pub trait Owned: Sized {
    /// The row type.
    type Row: Table;

    /// Builds the value from the columns of one of the owner's rows.
    fn from_fields(fields: &<Self::Row as Table>::Fields<'_>, owner: &OwnerId) -> Self;
    /// The owner.
    fn owner(&self) -> &OwnerId;
    /// Which it is.
    fn id(&self) -> DbId;
    /// In which version it is.
    fn version(&self) -> i64;
    /// The columns, borrowed.
    fn fields(&self) -> <Self::Row as Table>::Fields<'_>;

    /// The row as a JSON object, appended to `out`.
    ///
    /// # Errors
    ///
    /// A column has a value that Todoward never writes.
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let fields = self.fields();
        out.reserve(Self::Row::json_size(&fields, self.owner()));
        Self::Row::write_json(&fields, self.owner(), out)
    }

    /// The INSERT statement.
    fn insert(&self) -> Insert<'_, Self::Row> {
        let fields = self.fields();
        Insert {
            owner: self.owner(),
            derived: Self::Row::derive(&fields),
            fields,
        }
    }
}

/// The row of the owner's with this id, if there is one in this place.
pub fn read<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    place: Place,
) -> QueryResult<Option<M>> {
    let row = M::Row::find(conn, owner, DbId(id), place)?;
    Ok(row.map(|row| M::from_fields(&row.fields(), owner)))
}

/// The row of the owner's with this id, in this place.
///
/// # Errors
///
/// It is somebody else's, or nobody's, or in another place.
pub fn find<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    place: Place,
) -> Result<M, Failure> {
    match read(conn, owner, id, place)? {
        Some(found) => Ok(found),
        None => Err(classify_missing::<M::Row>(conn, owner, id)?.into()),
    }
}

/// The same, if it is in a version that the precondition names.
///
/// # Errors
///
/// As [`find`], and that it is in another version.
pub fn find_matching<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    place: Place,
    if_match: &IfMatch,
) -> Result<M, Failure> {
    let found: M = find(conn, owner, id, place)?;
    if if_match.allows(found.version()) {
        Ok(found)
    } else {
        Err(Rejection::VersionMismatch(found.version()).into())
    }
}

/// Changes one of the owner's rows: reads it, merges, and writes if the row still has
/// the version that was read; else starts again. So checking the precondition and
/// writing are one statement, and of two concurrent patches of different fields both
/// take effect. `merge` returns none if nothing changes.
///
/// # Errors
///
/// The row is not there, or in another version than the precondition names, or `merge`
/// refuses.
pub fn change<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    if_match: &IfMatch,
    merge: impl Fn(&M) -> Result<Option<M>, Failure>,
) -> Result<M, Failure> {
    for _ in 0..MAX_ATTEMPTS {
        let old: M = find_matching(conn, owner, id, Place::Live, if_match)?;
        let Some(new) = merge(&old)? else {
            return Ok(old);
        };
        if replace(conn, &old, &new)? {
            return Ok(new);
        }
    }
    // The error that a database with serializable transactions would return.
    Err(Error::RollbackTransaction.into())
}

/// Inserts a row.
pub fn insert<M: Owned>(conn: &mut DbConnection, new: &M) -> QueryResult<()> {
    new.insert().execute(conn).map(drop)
}

/// Writes every column of a row, and says whether it was still in the version of `old`.
fn replace<M: Owned>(conn: &mut DbConnection, old: &M, new: &M) -> QueryResult<bool> {
    let fields = new.fields();
    let written = Replace::<M::Row> {
        owner: old.owner(),
        id: old.id(),
        read_version: old.version(),
        derived: M::Row::derive(&fields),
        fields,
    }
    .execute(conn)?;
    Ok(written == 1)
}

/// Writes a row that was read by the same change. Another request may have changed
/// a field of it since; then the whole transaction is tried again.
///
/// # Errors
///
/// The database failed, or somebody else was faster.
pub fn write<M: Owned>(
    conn: &mut DbConnection,
    _: &Change<'_>,
    old: &M,
    new: &M,
) -> Result<(), Failure> {
    if replace(conn, old, new)? {
        Ok(())
    } else {
        Err(Error::RollbackTransaction.into())
    }
}

/// Ends a row that was read by the same change.
///
/// # Errors
///
/// As [`write()`].
pub fn delete<M: Owned>(
    conn: &mut DbConnection,
    change: &Change<'_>,
    row: &M,
) -> Result<(), Failure> {
    let delete = Delete::<M::Row>::new(row.owner(), row.id(), row.version());
    match delete.execute(conn)? {
        0 => Err(Error::RollbackTransaction.into()),
        _ => Ok(change.end(conn, M::Row::NAME, &[row.id()])?),
    }
}

/// Why a scoped statement found nothing: the row has another version, belongs to
/// another owner, or does not exist.
pub fn why_missing<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
) -> QueryResult<Rejection> {
    match read::<M>(conn, owner, id, Place::Live)? {
        Some(there) => Ok(Rejection::VersionMismatch(there.version())),
        None => classify_missing::<M::Row>(conn, owner, id),
    }
}

/// The one look-up among other owners' rows: yes or no.
fn classify_missing<T: Table>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
) -> QueryResult<Rejection> {
    let somebodys = Exists::<T>::new(owner, DbId(id)).get_result(conn);
    let somebodys: Option<i32> = somebodys.optional()?;
    Ok(match somebodys {
        Some(_) => Rejection::NotOwner,
        None => Rejection::NotFound,
    })
}

/// Checks that the table exists with its columns and can be read. Where PostgreSQL
/// distributes it, no shard is asked: one that is down would say that all are, and one that
/// is up that none is.
pub fn check<T: Table>(conn: &mut DbConnection) -> QueryResult<()> {
    let (columns, table) = (T::READ, T::NAME);
    let none = match conn.is_postgres() {
        true => "false",
        // The file is read.
        false => "owner_id = '' LIMIT 1",
    };
    let no_rows = format!("SELECT {columns} FROM {table} WHERE {none}");
    diesel::sql_query(no_rows).execute(conn).map(drop)
}

/// [`read`] over a pipeline.
#[cfg(feature = "postgres")]
pub async fn read_pipelined<M: Owned>(
    session: &Session,
    owner: &OwnerId,
    id: ResourceId,
) -> Result<Option<M>, pipelines::Failure> {
    let rows = session
        .query(&Find::<M::Row>::new(owner, DbId(id), Place::Live))
        .await?;
    first_pipelined(&rows, owner)
}

/// Converts the first row of a pipeline's result, if there is one.
#[cfg(feature = "postgres")]
pub fn first_pipelined<M: Owned>(
    rows: &[tokio_postgres::Row],
    owner: &OwnerId,
) -> Result<Option<M>, pipelines::Failure> {
    let fields = rows.first().map(M::Row::from_pipeline).transpose();
    let fields = fields.map_err(|error| pipelines::Failure::Bug(error.into()))?;
    Ok(fields.map(|fields| M::from_fields(&fields, owner)))
}
