//! The first page of one list in the order of its positions, which apps show. It goes over
//! a pipeline, as the default list does; all other pages are statements of `select_page`.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text};

use super::columns::POSITION;
use super::model::TaskRow;
use super::query::ListQuery;
use crate::auth::OwnerId;
use crate::db::id::{DbId, Id};
use crate::db::table::{Place, Table as _};

/// The rows of the page and one more, by position.
pub(super) struct FirstOfList<'a> {
    owner: &'a OwnerId,
    /// None is the inbox.
    list: Option<DbId>,
    /// None is any; in it, none is the top level.
    parent: Option<Option<DbId>>,
    completed: Option<bool>,
    max: i64,
}

impl<'a> FirstOfList<'a> {
    /// None if the query is another one.
    pub fn of(owner: &'a OwnerId, query: &ListQuery) -> Option<Self> {
        let [list] = query.filter.lists.as_slice() else {
            return None;
        };
        let parent = query.filter.parents.first();
        query.is_first_of_list().then(|| Self {
            owner,
            list: list.map(DbId),
            parent: parent.map(|parent| parent.map(DbId)),
            completed: query.filter.completed,
            max: i64::from(query.limit) + 1,
        })
    }

    /// Appends the SELECT of those that were moved or of the others.
    fn push_part<'b>(&'b self, is_moved: bool, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        // Of a constant owner PostgreSQL's planner would read the index `tasks_id`, through
        // the tasks of all owners: see `Conditions::push_owner`.
        let (before, behind) = match is_moved {
            true => ("", ""),
            false => ("ANY(ARRAY[", "])"),
        };
        out.push_sql(" FROM tasks WHERE owner_id = ");
        out.push_sql(before);
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(behind);
        out.push_sql(Place::Live.condition());
        if let Some(completed) = &self.completed {
            out.push_sql(" AND completed = ");
            out.push_bind_param::<Bool, _>(completed)?;
        }
        push_reference(" AND list_id", &self.list, out)?;
        if let Some(parent) = &self.parent {
            push_reference(" AND parent_id", parent, out)?;
        }
        out.push_sql(match (is_moved, &self.parent) {
            (true, Some(_)) => {
                " AND position IS NOT NULL ORDER BY list_id, parent_id, position, id LIMIT "
            }
            (true, None) => " AND position IS NOT NULL ORDER BY position, id LIMIT ",
            (false, _) => " AND position IS NULL ORDER BY owner_id, id LIMIT ",
        });
        out.push_bind_param::<BigInt, _>(&self.max)
    }
}

fn push_reference<'b>(
    column: &str,
    id: &'b Option<DbId>,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql(column);
    match id {
        None => out.push_sql(" IS NULL"),
        Some(id) => {
            out.push_sql(" = ");
            out.push_bind_param::<Id, _>(id)?;
        }
    }
    Ok(())
}

impl QueryFragment<Pg> for FirstOfList<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        out.push_sql(" FROM (SELECT * FROM (");
        self.push_part(true, &mut out)?;
        out.push_sql(") AS part UNION ALL SELECT * FROM (");
        self.push_part(false, &mut out)?;
        out.push_sql(") AS part) AS parts ORDER BY ");
        out.push_sql(POSITION.sql(true));
        out.push_sql(", id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)
    }
}
