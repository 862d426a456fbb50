//! The tasks of an owner without their texts: where they are, for whoever puts many
//! others beside and below them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::schema::tasks;
use crate::primitives::id::ResourceId;

/// The max number of rows that are read at once.
const PAGE: i64 = 5000;

/// Where a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub id: ResourceId,
    pub list: Option<ResourceId>,
    pub parent: Option<ResourceId>,
    pub is_trashed: bool,
}

type Columns = (
    DbId,
    Option<DbId>,
    Option<DbId>,
    Option<NaiveDateTime>,
    Option<String>,
);

fn outline((id, list, parent, deleted_at, position): Columns) -> (Outline, Option<String>) {
    let outline = Outline {
        id: id.0,
        list: list.map(|id| id.0),
        parent: parent.map(|id| id.0),
        is_trashed: deleted_at.is_some(),
    };
    (outline, position)
}

/// All of the owner's, those in the trash included, each with its position if it was ever
/// moved.
///
/// # Errors
///
/// The database failed.
pub fn all(
    conn: &mut DbConnection,
    owner: &OwnerId,
    mut each: impl FnMut(Outline, Option<String>),
) -> QueryResult<()> {
    let mut after: Option<DbId> = None;
    loop {
        let mut page = tasks::table
            .filter(tasks::owner_id.eq(owner.as_str()))
            .order(tasks::id)
            .limit(PAGE)
            .select((
                tasks::id,
                tasks::list_id,
                tasks::parent_id,
                tasks::deleted_at,
                tasks::position,
            ))
            .into_boxed();
        if let Some(after) = after {
            page = page.filter(tasks::id.gt(after));
        }
        let page: Vec<Columns> = page.load(conn)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.0);
        for columns in page {
            let (outline, position) = outline(columns);
            each(outline, position);
        }
    }
}

/// Those of the owner's with these ids, in the order of the ids.
///
/// # Errors
///
/// The database failed.
pub fn some(conn: &mut DbConnection, owner: &OwnerId, ids: &[DbId]) -> QueryResult<Vec<Outline>> {
    let mut found = Vec::new();
    for ids in ids.chunks(500) {
        let rows: Vec<Columns> = tasks::table
            .filter(tasks::owner_id.eq(owner.as_str()))
            .filter(tasks::id.eq_any(ids.iter().copied()))
            .order(tasks::id)
            .select((
                tasks::id,
                tasks::list_id,
                tasks::parent_id,
                tasks::deleted_at,
                tasks::position,
            ))
            .load(conn)?;
        found.extend(rows.into_iter().map(|columns| outline(columns).0));
    }
    Ok(found)
}

/// The ids of the owner's from this one on.
///
/// # Errors
///
/// The database failed.
pub fn ids_from(
    conn: &mut DbConnection,
    owner: &OwnerId,
    first: ResourceId,
) -> QueryResult<Vec<DbId>> {
    tasks::table
        .filter(tasks::owner_id.eq(owner.as_str()))
        .filter(tasks::id.ge(DbId(first)))
        .select(tasks::id)
        .load(conn)
}
