//! Whole rows, and the statements that put many of them at once into a database
//! which may be far away.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{
    BigInt, Binary, Bool, Date, HasSqlType, Nullable, SmallInt, SqlType, Text, Timestamp,
};

use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::schema::{idempotency_keys, tasks};
use super::statements::INSERT_TASKS;
use crate::domain::{FoldedTexts, Tags, Texts};

#[derive(Queryable, Selectable, PartialEq)]
#[diesel(table_name = tasks)]
pub(super) struct TaskRow {
    pub owner_id: String,
    pub id: DbId,
    pub title: String,
    pub title_lower: String,
    pub description: Option<String>,
    pub description_lower: Option<String>,
    pub completed: bool,
    pub completed_at: Option<NaiveDateTime>,
    pub priority: i16,
    pub due_date: Option<NaiveDate>,
    pub tags: String,
    pub version: i64,
    pub updated_at: NaiveDateTime,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub(super) struct KeyRow {
    pub owner_id: String,
    pub key: String,
    pub body_hash: Vec<u8>,
    pub task_id: DbId,
}

/// Inserts tasks, and renews those that are older in the target.
pub(super) struct PutTasks<'a> {
    rows: Vec<(&'a TaskRow, FoldedTexts)>,
}

impl<'a> PutTasks<'a> {
    /// Folds their texts: a file of the previous release has them not, and one that
    /// it has written to may have old ones.
    pub fn of(rows: &'a [TaskRow]) -> Self {
        let with_folded = rows.iter().map(|row| {
            let folded = FoldedTexts::of(&Texts {
                title: &row.title,
                title_lower: &row.title_lower,
                description: row.description.as_deref(),
                description_lower: row.description_lower.as_deref(),
                tags: &Tags::from_column(row.tags.clone()),
            });
            (row, folded)
        });
        Self {
            rows: with_folded.collect(),
        }
    }
}

/// Inserts keys, and renews those that have made a later task in the source.
pub(super) struct PutKeys<'a>(pub &'a [KeyRow]);

impl QueryId for PutTasks<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for PutKeys<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<DbConnection> for PutTasks<'_> {}
impl RunQueryDsl<DbConnection> for PutKeys<'_> {}

/// Values in brackets, with commas between them.
struct Tuple<'p, 'a, 'b> {
    out: &'p mut AstPass<'a, 'b, MultiBackend>,
    separator: &'static str,
}

impl<'p, 'a, 'b> Tuple<'p, 'a, 'b> {
    fn begin(out: &'p mut AstPass<'a, 'b, MultiBackend>, at: usize) -> Self {
        out.push_sql(if at == 0 { "" } else { ", " });
        Self {
            out,
            separator: "(",
        }
    }

    fn value<T, V>(self, value: &'b V) -> QueryResult<Self>
    where
        T: SqlType,
        MultiBackend: HasSqlType<T>,
        V: diesel::serialize::ToSql<T, MultiBackend> + ?Sized,
    {
        self.out.push_sql(self.separator);
        self.out.push_bind_param::<T, V>(value)?;
        Ok(Self {
            out: self.out,
            separator: ", ",
        })
    }

    fn end(self) {
        self.out.push_sql(")");
    }
}

impl QueryFragment<MultiBackend> for PutTasks<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(INSERT_TASKS);
        for (at, (row, folded)) in self.rows.iter().enumerate() {
            Tuple::begin(&mut out, at)
                .value::<Text, _>(&row.owner_id)?
                .value::<Id, _>(&row.id)?
                .value::<Text, _>(&row.title)?
                .value::<Text, _>(&row.title_lower)?
                .value::<Nullable<Text>, _>(&row.description)?
                .value::<Nullable<Text>, _>(&row.description_lower)?
                .value::<Bool, _>(&row.completed)?
                .value::<Nullable<Timestamp>, _>(&row.completed_at)?
                .value::<SmallInt, _>(&row.priority)?
                .value::<Nullable<Date>, _>(&row.due_date)?
                .value::<Text, _>(&row.tags)?
                .value::<BigInt, _>(&row.version)?
                .value::<Timestamp, _>(&row.updated_at)?
                .value::<Nullable<Text>, _>(&folded.title)?
                .value::<Nullable<Text>, _>(&folded.rest)?
                .value::<BigInt, _>(&row.version)?
                .end();
        }
        out.push_sql(
            " ON CONFLICT (owner_id, id) DO UPDATE SET title = excluded.title, \
             title_lower = excluded.title_lower, description = excluded.description, \
             description_lower = excluded.description_lower, completed = excluded.completed, \
             completed_at = excluded.completed_at, priority = excluded.priority, \
             due_date = excluded.due_date, tags = excluded.tags, version = excluded.version, \
             updated_at = excluded.updated_at, title_folded = excluded.title_folded, \
             rest_folded = excluded.rest_folded, \
             folded_version = excluded.folded_version \
             WHERE tasks.version < excluded.version",
        );
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for PutKeys<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("INSERT INTO idempotency_keys (owner_id, key, body_hash, task_id) VALUES ");
        for (at, row) in self.0.iter().enumerate() {
            Tuple::begin(&mut out, at)
                .value::<Text, _>(&row.owner_id)?
                .value::<Text, _>(&row.key)?
                .value::<Binary, _>(&row.body_hash)?
                .value::<Id, _>(&row.task_id)?
                .end();
        }
        out.push_sql(
            " ON CONFLICT (owner_id, key) DO UPDATE SET body_hash = excluded.body_hash, \
             task_id = excluded.task_id WHERE idempotency_keys.task_id < excluded.task_id",
        );
        Ok(())
    }
}
