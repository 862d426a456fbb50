//! The tags of all tasks of an owner: how often each stands, and another one in its
//! place.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::result::Error;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as Instant};

use super::conditions::contains;
use super::count::{each_tag, tag};
use super::model::{TaskFields, TaskRow};
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::db::change::Change;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::statement::{Failure, Pass, dynamic_query};
use crate::db::table::Table;

/// How many tasks are read and written at once: as many as the largest page has.
const BATCH: usize = 200;

/// The max number of tags that are counted: so many of the longest have 16 MB, which a
/// response may have.
pub const MAX_COUNTED: usize = 50_000;

/// A tag, with how many live tasks have it: the open ones, and all.
pub type TagCount = (String, i64, i64);

/// The tags of the owner's live tasks, by name.
pub fn counts(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<Vec<TagCount>> {
    let is_postgres = conn.is_postgres();
    CountTags { owner, is_postgres }.load(conn)
}

/// Puts a tag in the place of another one on each of the owner's tasks, those in the
/// trash too, or takes it off. Says how many tasks were changed. It is
/// part of a change.
///
/// # Errors
///
/// The database failed.
pub fn replace(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &OwnerId,
    from: &str,
    to: Option<&str>,
) -> Result<usize, Failure> {
    let is_postgres = conn.is_postgres();
    let now = change.now().column();
    let needle = Tags::needle(from);
    let (mut changed, mut after) = (0, None);
    loop {
        let rows: Vec<TaskRow> = Tagged {
            owner,
            needle: &needle,
            after,
            is_postgres,
        }
        .load(conn)?;
        let retagged = rows.iter().filter_map(|row| Retagged::of(row, from, to));
        let retagged: Vec<Retagged> = retagged.collect();
        if !retagged.is_empty() {
            let written = WriteTags {
                owner,
                now,
                rows: &retagged,
            }
            .execute(conn)?;
            if written != retagged.len() {
                return Err(Error::RollbackTransaction.into());
            }
            changed += written;
        }
        match rows.last() {
            Some(last) if rows.len() == BATCH => after = Some(last.id),
            _ => return Ok(changed),
        }
    }
}

/// What changes of a task when its tags do.
struct Retagged {
    id: DbId,
    read_version: i64,
    tags: String,
    title_folded: Option<String>,
    rest_folded: Option<String>,
}

impl Retagged {
    /// None if the column is not JSON, because something other than Todoward has written
    /// it.
    fn of(row: &TaskRow, from: &str, to: Option<&str>) -> Option<Self> {
        let tags = Tags::replaced(&row.tags, from, to)?;
        let derived = TaskRow::derive(&TaskFields {
            tags: &tags,
            ..row.fields()
        });
        Some(Self {
            id: row.id,
            read_version: row.version,
            title_folded: derived.title_folded,
            rest_folded: derived.rest_folded,
            tags,
        })
    }
}

struct CountTags<'a> {
    owner: &'a OwnerId,
    is_postgres: bool,
}

/// The next tasks that have a tag, by id. On PostgreSQL their rows are locked: whoever
/// changes one of them meanwhile, without the owner's lock, waits and then reads it anew.
struct Tagged<'a> {
    owner: &'a OwnerId,
    needle: &'a str,
    after: Option<DbId>,
    is_postgres: bool,
}

/// UPDATE: the tags of some rows, if they still have the versions that were read.
struct WriteTags<'a> {
    owner: &'a OwnerId,
    now: NaiveDateTime,
    rows: &'a [Retagged],
}

impl Query for CountTags<'_> {
    type SqlType = (Text, BigInt, BigInt);
}

impl Query for Tagged<'_> {
    type SqlType = <TaskRow as Table>::Sql;
}

dynamic_query!([] CountTags<'_>, [] Tagged<'_>, [] WriteTags<'_>);

impl QueryFragment<MultiBackend> for CountTags<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let (tag, each_tag) = (tag(self.is_postgres), each_tag(self.is_postgres));
        out.push_sql(&format!(
            "SELECT {tag} AS name, CAST(SUM(CASE WHEN completed THEN 0 ELSE n END) AS BIGINT), \
             CAST(SUM(n) AS BIGINT) FROM (SELECT tags, completed, COUNT(*) AS n FROM tasks \
             WHERE owner_id = "
        ));
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(&format!(
            " AND deleted_at IS NULL AND tags <> '[]' GROUP BY tags, completed) AS matched \
             CROSS JOIN {each_tag} GROUP BY 1 ORDER BY 1 LIMIT {MAX_COUNTED}"
        ));
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for Tagged<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        out.push_sql(" FROM tasks WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        if let Some(after) = &self.after {
            out.push_sql(" AND id > ");
            out.push_bind_param::<Id, _>(after)?;
        }
        out.push_sql(" AND ");
        out.push_sql(contains(self.is_postgres));
        out.push_sql("tags, ");
        out.push_bind_param::<Text, _>(self.needle)?;
        out.push_sql(&format!(") > 0 ORDER BY owner_id, id LIMIT {BATCH}"));
        out.push_sql(if self.is_postgres { " FOR UPDATE" } else { "" });
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for WriteTags<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if self.rows.len() < BATCH {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(
            "UPDATE tasks SET tags = written.column3, title_folded = written.column4, \
             rest_folded = written.column5, version = version + 1, folded_version = version + 1, \
             change = 0, updated_at = ",
        );
        out.push_bind_param::<Instant, _>(&self.now)?;
        for (at, row) in self.rows.iter().enumerate() {
            out.push_sql(if at == 0 { " FROM (VALUES (" } else { ", (" });
            out.push_bind_param::<Id, _>(&row.id)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&row.read_version)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(&row.tags)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, _>(&row.title_folded)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, _>(&row.rest_folded)?;
            out.push_sql(")");
        }
        out.push_sql(") AS written WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(" AND id = written.column1 AND version = written.column2");
        Ok(())
    }
}
