//! What every owned row can do: be found, inserted, changed if nobody else has
//! changed it meanwhile, deleted; always with its owner.
//!
//! Invariant: the owner stands in the WHERE clause of every statement. The one
//! look-up without an owner, which tells "somebody else's" from "nobody's", runs
//! only after a scoped statement has found nothing, and answers yes or no.

use diesel::prelude::*;
use diesel::result::Error;

use super::connection::DbConnection;
use super::id::DbId;
#[cfg(feature = "postgres")]
use super::pipelines::{self, Session};
use super::rejection::Rejection;
use super::statement::Failure;
#[cfg(feature = "postgres")]
use super::table::Find;
use super::table::{Delete, Exists, Insert, Replace, Table};
use crate::auth::OwnerId;
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;

/// How often a patch is merged anew because somebody else was faster. Each time
/// somebody's change got through.
const MAX_READINGS: usize = 1_000;

/// What rows of a table are, to those who use them.
pub trait Owned: Sized {
    /// A row.
    type Row: Table;

    /// Makes it of the columns of a row of the owner's.
    fn from_fields(fields: &<Self::Row as Table>::Fields<'_>, owner: &OwnerId) -> Self;
    /// Whose it is.
    fn owner(&self) -> &OwnerId;
    /// In which version it is.
    fn version(&self) -> i64;
    /// Its columns.
    fn fields(&self) -> <Self::Row as Table>::Fields<'_>;

    /// The statement that writes it as a new row.
    fn insert(&self) -> Insert<'_, Self::Row> {
        let fields = self.fields();
        Insert {
            owner: self.owner(),
            derived: Self::Row::derive(&fields),
            fields,
        }
    }
}

/// The row of the owner's with this id, if there is one.
pub fn read<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
) -> QueryResult<Option<M>> {
    let row = M::Row::find(conn, owner, DbId(id))?;
    Ok(row.map(|row| M::from_fields(&row.fields(), owner)))
}

/// The row of the owner's with this id.
///
/// # Errors
///
/// It is somebody else's, or nobody's.
pub fn find<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
) -> Result<M, Failure> {
    match read(conn, owner, id)? {
        Some(found) => Ok(found),
        None => Err(classify_missing::<M::Row>(conn, id)?.into()),
    }
}

/// Changes a row of the owner's: reads, merges, and writes if the row is still in
/// the version that was read, else again. So the check of the precondition and the
/// write are one statement, and two patches of different fields both hold. `merge`
/// yields nothing where nothing changes.
///
/// # Errors
///
/// The row is not there, or in another version than the precondition names.
pub fn change<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    if_match: &IfMatch,
    merge: impl Fn(&M) -> Option<M>,
) -> Result<M, Failure> {
    for _ in 0..MAX_READINGS {
        let old: M = find(conn, owner, id)?;
        if !if_match.allows(old.version()) {
            return Err(Rejection::VersionMismatch(old.version()).into());
        }
        let Some(new) = merge(&old) else {
            return Ok(old);
        };
        let fields = new.fields();
        let written = Replace::<M::Row> {
            owner,
            id: DbId(id),
            read_version: old.version(),
            derived: M::Row::derive(&fields),
            fields,
        }
        .execute(conn)?;
        if written == 1 {
            return Ok(new);
        }
    }
    // As a database that serialises would say it.
    Err(Error::RollbackTransaction.into())
}

/// Deletes a row of the owner's.
///
/// # Errors
///
/// The row is not there, or in another version than the precondition names.
pub fn delete<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    if_match: &IfMatch,
) -> Result<(), Failure> {
    match Delete::<M::Row>::new(owner, DbId(id), if_match).execute(conn)? {
        0 => Err(why_missing::<M>(conn, owner, id)?.into()),
        _ => Ok(()),
    }
}

/// After a scoped statement found nothing: is the row there in another version, is
/// it somebody else's, or nobody's?
pub fn why_missing<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
) -> QueryResult<Rejection> {
    match read::<M>(conn, owner, id)? {
        Some(there) => Ok(Rejection::VersionMismatch(there.version())),
        None => classify_missing::<M::Row>(conn, id),
    }
}

/// The one look-up without an owner: yes or no.
fn classify_missing<T: Table>(conn: &mut DbConnection, id: ResourceId) -> QueryResult<Rejection> {
    let somebodys: Option<i32> = Exists::<T>::new(DbId(id)).get_result(conn).optional()?;
    Ok(match somebodys {
        Some(_) => Rejection::NotOwner,
        None => Rejection::NotFound,
    })
}

/// Whether the table is there with its columns, and answers.
pub fn check<T: Table>(conn: &mut DbConnection) -> QueryResult<()> {
    let (columns, table) = (T::READ, T::NAME);
    let nobodys = format!("SELECT {columns} FROM {table} WHERE owner_id = '' LIMIT 1");
    diesel::sql_query(nobodys).execute(conn).map(drop)
}

/// [`read`] over a pipeline.
#[cfg(feature = "postgres")]
pub async fn read_pipelined<M: Owned>(
    session: &Session,
    owner: &OwnerId,
    id: ResourceId,
) -> Result<Option<M>, pipelines::Failure> {
    let rows = session.query(&Find::<M::Row>::new(owner, DbId(id))).await?;
    first_pipelined(&rows, owner)
}

/// The first of the rows that came over a pipeline.
#[cfg(feature = "postgres")]
pub fn first_pipelined<M: Owned>(
    rows: &[tokio_postgres::Row],
    owner: &OwnerId,
) -> Result<Option<M>, pipelines::Failure> {
    let fields = rows.first().map(M::Row::from_pipeline).transpose();
    let fields = fields.map_err(|error| pipelines::Failure::Bug(error.into()))?;
    Ok(fields.map(|fields| M::from_fields(&fields, owner)))
}
