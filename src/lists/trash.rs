//! The trash of lists: what goes there, what comes back, and what ends, each with the
//! tasks of the list.
//!
//! Invariant: a list in the trash has no live task.

use diesel::prelude::*;

use super::model::{List, ListRow};
use crate::auth::OwnerId;
use crate::db::change::{change_all, change_rows};
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::owned;
use crate::db::schema::lists;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::{Place, Table as _};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::tasks::trash::{end_tasks_of_list, restore_tasks_of_list, trash_tasks_of_list};

/// Moves one of the owner's lists to the trash, or ends it.
pub struct DeleteList {
    /// Which.
    pub id: ResourceId,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
    /// For good, whether it is in the trash or not.
    pub permanent: bool,
}

impl Statement for DeleteList {
    type Output = ();
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        change_rows(conn, owner, |conn, change| {
            let place = match self.permanent {
                true => Place::Anywhere,
                false => Place::Live,
            };
            let list: List = owned::find_matching(conn, owner, self.id, place, &self.if_match)?;
            // That of its tasks, which tells clients what went there together.
            let now = change.now();
            if self.permanent {
                owned::delete(conn, change, &list)?;
                end_tasks_of_list(conn, change, owner, list.id)?;
                return Ok(());
            }
            let mut new = list.changed(now);
            new.deleted_at = Some(now);
            owned::write(conn, change, &list, &new)?;
            trash_tasks_of_list(conn, change, owner, list.id)?;
            Ok(())
        })
    }
}

/// Takes one of the owner's lists out of the trash, and the tasks that went with it.
pub struct RestoreList {
    /// Which.
    pub id: ResourceId,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl Statement for RestoreList {
    type Output = List;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<List, Failure> {
        change_rows(conn, owner, |conn, change| {
            let (id, place) = (self.id, Place::Trash);
            let list: List = owned::find_matching(conn, owner, id, place, &self.if_match)?;
            let mut new = list.changed(change.now());
            new.deleted_at = None;
            owned::write(conn, change, &list, &new)?;
            restore_tasks_of_list(conn, change, owner, id)?;
            Ok(new)
        })
    }
}

/// Ends the owner's lists that are in the trash, with the tasks that went there with
/// them, and says how many lists it was.
pub struct EmptyTrash;

impl Statement for EmptyTrash {
    type Output = usize;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<usize, Failure> {
        change_all(conn, owner, |conn, change| {
            let trashed = lists::table
                .filter(lists::owner_id.eq(owner.as_str()))
                .filter(lists::deleted_at.is_not_null());
            let ids: Vec<DbId> = trashed.select(lists::id).load(conn)?;
            for id in &ids {
                end_tasks_of_list(conn, change, owner, id.0)?;
            }
            let count = diesel::delete(trashed).execute(conn)?;
            change.end(conn, ListRow::NAME, &ids)?;
            Ok(count)
        })
    }
}
