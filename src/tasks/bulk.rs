//! Statements that move many of an owner's tasks at once. Each raises the version of
//! every task that it changes.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{Text, Timestamp};

use crate::auth::OwnerId;
use crate::db::connection::MultiBackend;
use crate::db::id::{DbId, Id};
use crate::db::statement::{Pass, dynamic_query};

/// Which of the owner's live tasks.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// Those that are completed, before this instant if there is one; but for each that
    /// has another task below it.
    Completed(Option<NaiveDateTime>),
    /// Those of a list.
    InList(DbId),
}

/// Moves tasks to the trash.
pub struct TrashTasks<'a> {
    pub owner: &'a OwnerId,
    pub which: Which,
    /// With what they went; none is each with itself.
    pub with: Option<DbId>,
    pub now: NaiveDateTime,
}

/// Ends tasks, and yields their ids.
pub struct EndTasks<'a> {
    pub owner: &'a OwnerId,
    pub which: Which,
}

/// Ends what went to the trash with a list, and yields the ids.
pub struct EndTrashed<'a> {
    pub owner: &'a OwnerId,
    pub with: DbId,
}

/// Takes tasks out of the place that has ended: to the top level, out of the list.
pub struct LeaveEnded<'a> {
    pub owner: &'a str,
    pub ended: Ended<'a>,
    pub now: NaiveDateTime,
}

/// What has ended of what tasks are in.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// These parents, and this list with them.
    Parents(&'a [DbId], Option<&'a DbId>),
    /// This list.
    List(&'a DbId),
}

/// Makes those that went to the trash at an instant, each with itself, remember with
/// what the one above them went. One level a time.
pub struct Together<'a> {
    pub owner: &'a OwnerId,
    pub now: NaiveDateTime,
}

/// Takes out of the trash what went there with a list.
pub struct RestoreTasks<'a> {
    pub owner: &'a OwnerId,
    pub with: DbId,
    pub now: NaiveDateTime,
}

dynamic_query!(
    [] TrashTasks<'_>,
    [] EndTasks<'_>,
    [] EndTrashed<'_>,
    [] LeaveEnded<'_>,
    [] Together<'_>,
    [] RestoreTasks<'_>,
);

impl Query for EndTasks<'_> {
    type SqlType = Id;
}

impl Query for EndTrashed<'_> {
    type SqlType = Id;
}

/// The begin of an update. The texts of the rows are as they were: what was folded of the
/// last version is of this.
const UPDATE: &str = "UPDATE tasks SET version = version + 1, \
                      folded_version = folded_version + 1, change = 0, ";

impl Which {
    fn push<'b>(&'b self, owner: &'b OwnerId, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(owner.as_str())?;
        out.push_sql(" AND deleted_at IS NULL AND ");
        match self {
            Self::InList(list) => {
                out.push_sql("list_id = ");
                out.push_bind_param::<Id, _>(list)
            }
            Self::Completed(before) => {
                push_completed(before.as_ref(), out)?;
                // All tasks above one that stays.
                out.push_sql(
                    " AND id NOT IN (WITH RECURSIVE above (id) AS (\
                     SELECT parent_id FROM tasks WHERE owner_id = ",
                );
                out.push_bind_param::<Text, _>(owner.as_str())?;
                out.push_sql(" AND parent_id IS NOT NULL AND deleted_at IS NULL AND NOT (");
                push_completed(before.as_ref(), out)?;
                out.push_sql(
                    ") UNION SELECT t.parent_id FROM tasks t JOIN above ON t.id = above.id \
                     WHERE t.owner_id = ",
                );
                out.push_bind_param::<Text, _>(owner.as_str())?;
                out.push_sql(" AND t.parent_id IS NOT NULL) SELECT id FROM above)");
                Ok(())
            }
        }
    }
}

/// What went to the trash with a list was in it, and still is: so the index of the list
/// finds it, however much the owner has in the trash.
fn push_went_with<'b>(list: &'b DbId, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
    out.push_sql(" AND deleted_at IS NOT NULL AND list_id = ");
    out.push_bind_param::<Id, _>(list)?;
    out.push_sql(" AND deleted_with = ");
    out.push_bind_param::<Id, _>(list)
}

fn push_completed<'b>(
    before: Option<&'b NaiveDateTime>,
    out: &mut Pass<'_, 'b>,
) -> QueryResult<()> {
    out.push_sql("completed");
    if let Some(before) = before {
        out.push_sql(" AND completed_at < ");
        out.push_bind_param::<Timestamp, _>(before)?;
    }
    Ok(())
}

impl QueryFragment<MultiBackend> for TrashTasks<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(UPDATE);
        out.push_sql("deleted_with = ");
        match &self.with {
            Some(with) => out.push_bind_param::<Id, _>(with)?,
            None => out.push_sql("id"),
        }
        out.push_sql(", deleted_at = ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        out.push_sql(", updated_at = ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        self.which.push(self.owner, &mut out)
    }
}

impl QueryFragment<MultiBackend> for EndTasks<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("DELETE FROM tasks");
        self.which.push(self.owner, &mut out)?;
        out.push_sql(" RETURNING id");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for EndTrashed<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("DELETE FROM tasks WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        push_went_with(&self.with, &mut out)?;
        out.push_sql(" RETURNING id");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for LeaveEnded<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(UPDATE);
        out.push_sql("updated_at = ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        match self.ended {
            Ended::List(_) => out.push_sql(", list_id = NULL"),
            Ended::Parents(_, list) => {
                out.push_sql(", parent_id = NULL");
                if let Some(list) = list {
                    out.push_sql(", list_id = CASE WHEN list_id = ");
                    out.push_bind_param::<Id, _>(list)?;
                    out.push_sql(" THEN NULL ELSE list_id END");
                }
            }
        }
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        match self.ended {
            Ended::List(list) => {
                out.push_sql(" AND list_id = ");
                out.push_bind_param::<Id, _>(list)
            }
            Ended::Parents(parents, _) => {
                for (at, parent) in parents.iter().enumerate() {
                    out.push_sql(if at == 0 { " AND parent_id IN (" } else { ", " });
                    out.push_bind_param::<Id, _>(parent)?;
                }
                out.push_sql(if parents.is_empty() {
                    " AND 1 = 0"
                } else {
                    ")"
                });
                Ok(())
            }
        }
    }
}

impl QueryFragment<MultiBackend> for Together<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        const ABOVE: &str = " FROM tasks above WHERE above.owner_id = tasks.owner_id \
             AND above.id = tasks.parent_id AND above.deleted_at = ";
        out.push_sql("UPDATE tasks SET deleted_with = (SELECT above.deleted_with");
        out.push_sql(ABOVE);
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        out.push_sql(") WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(" AND deleted_at = ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        out.push_sql(" AND parent_id IS NOT NULL AND EXISTS (SELECT 1");
        out.push_sql(ABOVE);
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for RestoreTasks<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(UPDATE);
        out.push_sql("deleted_at = NULL, deleted_with = NULL, updated_at = ");
        out.push_bind_param::<Timestamp, _>(&self.now)?;
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        push_went_with(&self.with, &mut out)
    }
}
