//! The lists of an owner without their names, for whoever puts many others beside them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::schema::lists;
use crate::primitives::id::ResourceId;

/// Where a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub id: ResourceId,
    pub position: Option<String>,
    pub is_trashed: bool,
}

/// All of the owner's, those in the trash included.
///
/// # Errors
///
/// The database failed.
pub fn all(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<Vec<Outline>> {
    let rows: Vec<(DbId, Option<String>, Option<NaiveDateTime>)> = lists::table
        .filter(lists::owner_id.eq(owner.as_str()))
        .order(lists::id)
        .select((lists::id, lists::position, lists::deleted_at))
        .load(conn)?;
    let outline = |(id, position, deleted_at): (DbId, _, Option<_>)| Outline {
        id: id.0,
        position,
        is_trashed: deleted_at.is_some(),
    };
    Ok(rows.into_iter().map(outline).collect())
}
