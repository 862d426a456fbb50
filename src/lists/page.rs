//! The SELECT statement of a page of lists.
//!
//! An owner has few of them, so no index has their order: the database sorts all.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text, Timestamp};

use super::model::ListRow;
use super::query::{After, Key, ListsQuery};
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::order::position_of_id;
use crate::db::statement::{Pass, dynamic_query};
use crate::db::table::{Place, Table};

/// Loads the rows of a page and one more, which tells whether there is a next page.
pub fn load(
    conn: &mut DbConnection,
    owner: &OwnerId,
    query: &ListsQuery,
) -> QueryResult<Vec<ListRow>> {
    let statement = SelectLists {
        owner,
        query,
        position: format!("coalesce(position, {})", position_of_id(conn.is_postgres())),
        after: query.after.as_ref().map(After::bound),
        max: i64::from(query.limit) + 1,
    };
    statement.load(conn)
}

/// A cursor's place, in the types of the columns.
struct Bound<'a> {
    key: BoundKey<'a>,
    id: DbId,
}

enum BoundKey<'a> {
    Position(&'a str),
    DeletedAt(NaiveDateTime),
}

impl After {
    fn bound(&self) -> Bound<'_> {
        let key = match &self.key {
            Key::Position(position) => BoundKey::Position(position),
            Key::DeletedAt(at) => BoundKey::DeletedAt(at.column()),
        };
        let id = DbId(self.id);
        Bound { key, id }
    }
}

struct SelectLists<'a> {
    owner: &'a OwnerId,
    query: &'a ListsQuery,
    /// The SQL expression of where a list stands.
    position: String,
    after: Option<Bound<'a>>,
    max: i64,
}

impl Query for SelectLists<'_> {
    type SqlType = <ListRow as Table>::Sql;
}

dynamic_query!([] SelectLists<'_>);

impl QueryFragment<MultiBackend> for SelectLists<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let (key, sign, direction, place) = match self.query.trash {
            true => ("deleted_at", "<", "DESC", Place::Trash),
            false => (self.position.as_str(), ">", "ASC", Place::Live),
        };
        out.push_sql("SELECT ");
        out.push_sql(ListRow::READ);
        out.push_sql(" FROM lists WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(place.condition());
        if let Some(archived) = &self.query.archived {
            out.push_sql(" AND archived = ");
            out.push_bind_param::<Bool, _>(archived)?;
        }
        if let Some(after) = &self.after {
            out.push_sql(&format!(" AND ({key}, id) {sign} ("));
            match &after.key {
                BoundKey::Position(position) => out.push_bind_param::<Text, _>(*position)?,
                BoundKey::DeletedAt(at) => out.push_bind_param::<Timestamp, _>(at)?,
            }
            out.push_sql(", ");
            out.push_bind_param::<Id, _>(&after.id)?;
            out.push_sql(")");
        }
        out.push_sql(&format!(
            " ORDER BY {key} {direction}, id {direction} LIMIT "
        ));
        out.push_bind_param::<BigInt, _>(&self.max)
    }
}
