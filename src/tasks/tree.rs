//! Tasks above and below a task.

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::Text;

use super::model::{Task, TaskRow};
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::owned::{self, Owned as _};
use crate::db::statement::{Pass, dynamic_query};
use crate::db::table::{Place, Table};
use crate::primitives::id::ResourceId;

/// The most tasks in a chain, the top one included.
pub const MAX_LEVELS: usize = 4;

/// The tasks below a task, each level after the one above it, in the order of their
/// ids. `place` says where they are looked for; the one above a task is in it, too.
pub fn below(
    conn: &mut DbConnection,
    owner: &OwnerId,
    id: ResourceId,
    place: Place,
) -> QueryResult<Vec<Vec<Task>>> {
    let mut levels = Vec::new();
    let mut parents = vec![DbId(id)];
    // More levels than there can be: somebody else has written them.
    while levels.len() < MAX_LEVELS * 2 {
        let level = children(conn, owner, &parents, place)?;
        if level.is_empty() {
            break;
        }
        parents = level.iter().map(|task| DbId(task.id)).collect();
        levels.push(level);
    }
    Ok(levels)
}

/// The tasks right below some.
pub fn children(
    conn: &mut DbConnection,
    owner: &OwnerId,
    parents: &[DbId],
    place: Place,
) -> QueryResult<Vec<Task>> {
    let mut found = Vec::new();
    for parents in parents.chunks(500) {
        let statement = Children {
            owner,
            parents,
            place,
        };
        let rows: Vec<TaskRow> = statement.load(conn)?;
        found.extend(
            rows.iter()
                .map(|row| Task::from_fields(&row.fields(), owner)),
        );
    }
    Ok(found)
}

/// The live task with this id and those above it, from the bottom to the top. Empty if
/// the owner has no such task.
pub fn chain(conn: &mut DbConnection, owner: &OwnerId, id: ResourceId) -> QueryResult<Vec<Task>> {
    let mut chain: Vec<Task> = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next.filter(|_| chain.len() <= MAX_LEVELS) {
        let Some(task) = owned::read::<Task>(conn, owner, id, Place::Live)? else {
            break;
        };
        next = task.parent_id;
        chain.push(task);
    }
    Ok(chain)
}

struct Children<'a> {
    owner: &'a OwnerId,
    parents: &'a [DbId],
    place: Place,
}

impl Query for Children<'_> {
    type SqlType = <TaskRow as Table>::Sql;
}

dynamic_query!([] Children<'_>);

impl QueryFragment<MultiBackend> for Children<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if self.parents.len() > 1 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        out.push_sql(" FROM tasks WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(" AND parent_id IN (");
        for (at, parent) in self.parents.iter().enumerate() {
            out.push_sql(if at == 0 { "" } else { ", " });
            out.push_bind_param::<Id, _>(parent)?;
        }
        out.push_sql(")");
        out.push_sql(self.place.condition());
        out.push_sql(" ORDER BY id");
        Ok(())
    }
}
