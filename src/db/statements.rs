//! Statements that Diesel's builder would parse and plan anew each time.
//!
//! Diesel never keeps an `update(…).set(…)` prepared, nor an upsert. And for a
//! connection to one of several databases it writes the text of every statement
//! anew, each identifier in a string of its own, to see whether it is prepared:
//! a fifth of what reading a task costs. These are the same statements as fixed
//! text, which both databases understand and which stay prepared on their
//! connection.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{
    BigInt, Bool, Date, HasSqlType, Integer, Nullable, SmallInt, Text, Timestamp,
};

use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::page::{COLUMNS_SQL, RowSqlType};
use crate::auth::OwnerId;
use crate::domain::{FoldedTexts, IfMatch, Task, Texts};

pub(super) type Pass<'a, 'b> = AstPass<'a, 'b, MultiBackend>;

/// The text of a statement that is sent over connections of the bridge and, on
/// PostgreSQL, over pipelines as well.
macro_rules! pipelined {
    ($statement:ident, |$this:ident, $out:ident| $walk:block) => {
        pipelined!($statement, MultiBackend, |$this, $out| $walk);
        #[cfg(feature = "postgres")]
        pipelined!($statement, diesel::pg::Pg, |$this, $out| $walk);
    };
    ($statement:ident, $backend:ty, |$this:ident, $out:ident| $walk:block) => {
        impl QueryFragment<$backend> for $statement<'_> {
            fn walk_ast<'b>(&'b self, mut $out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                let $this = self;
                $walk
            }
        }
    };
}

/// A statement of which a few shapes exist, told apart by their text.
macro_rules! told_apart_by_text {
    ($($statement:ident),*) => {$(
        impl QueryId for $statement<'_> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl RunQueryDsl<DbConnection> for $statement<'_> {}
    )*};
}
pub(super) use told_apart_by_text;

told_apart_by_text!(FindTask, NewestTasks, InsertTask, SetCompleted, ReplaceTask);

/// Whether anybody has a task of this id. Where tables are spread over servers by
/// owner, each of them is asked: so it is one number of one row that they look for.
pub(super) struct AnyTask(pub DbId);

impl Query for AnyTask {
    type SqlType = Integer;
}

impl QueryId for AnyTask {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<DbConnection> for AnyTask {}

impl QueryFragment<MultiBackend> for AnyTask {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT 1 FROM tasks WHERE id = ");
        out.push_bind_param::<Id, _>(&self.0)?;
        out.push_sql(" LIMIT 1");
        Ok(())
    }
}

/// Reads one task of the owner's.
pub(super) struct FindTask<'a> {
    pub owner: &'a OwnerId,
    pub id: DbId,
}

impl Query for FindTask<'_> {
    type SqlType = RowSqlType;
}

pipelined!(FindTask, |this, out| {
    out.push_sql("SELECT ");
    out.push_sql(COLUMNS_SQL);
    out.push_sql(" FROM tasks WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)
});

/// Reads the first page of the list that everybody asks for: all tasks, the
/// newest first.
pub(super) struct NewestTasks<'a> {
    pub owner: &'a OwnerId,
    pub most: i64,
}

impl Query for NewestTasks<'_> {
    type SqlType = RowSqlType;
}

pipelined!(NewestTasks, |this, out| {
    out.push_sql("SELECT ");
    out.push_sql(COLUMNS_SQL);
    out.push_sql(" FROM tasks WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" ORDER BY id DESC LIMIT ");
    out.push_bind_param::<BigInt, _>(&this.most)
});

/// What every statement begins with that writes whole tasks.
pub(super) const INSERT_TASKS: &str = "INSERT INTO tasks (owner_id, id, title, title_lower, \
    description, description_lower, completed, completed_at, priority, due_date, tags, version, \
    updated_at, title_folded, rest_folded, folded_version) VALUES ";

/// Writes a new task.
pub(super) struct InsertTask<'a> {
    pub owner: &'a OwnerId,
    pub id: DbId,
    pub task: TaskColumns<'a>,
}

pipelined!(InsertTask, |this, out| {
    let task = &this.task;
    out.push_sql(INSERT_TASKS);
    out.push_sql("(");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(", ");
    out.push_bind_param::<Id, _>(&this.id)?;
    out.push_sql(", ");
    out.push_bind_param::<Text, _>(task.title)?;
    out.push_sql(", ");
    out.push_bind_param::<Text, _>(&task.title_lower)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Text>, _>(&task.description)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Text>, _>(&task.description_lower)?;
    out.push_sql(", ");
    out.push_bind_param::<Bool, _>(&task.completed)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Timestamp>, _>(&task.completed_at)?;
    out.push_sql(", ");
    out.push_bind_param::<SmallInt, _>(&task.priority)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Date>, _>(&task.due_date)?;
    out.push_sql(", ");
    out.push_bind_param::<Text, _>(task.tags)?;
    // A new task is in version 1, and so is what was folded of it.
    out.push_sql(", 1, ");
    out.push_bind_param::<Timestamp, _>(&task.updated_at)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Text>, _>(&task.folded.title)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Text>, _>(&task.folded.rest)?;
    out.push_sql(", 1");
    out.push_sql(")");
    Ok(())
});

/// Sets or toggles `completed`. What already holds changes nothing, the version
/// least of all.
pub(super) struct SetCompleted<'a> {
    pub owner: &'a OwnerId,
    pub id: DbId,
    /// None toggles.
    pub completed: Option<bool>,
    pub if_match: &'a IfMatch,
    pub now: chrono::NaiveDateTime,
}

impl Query for SetCompleted<'_> {
    type SqlType = RowSqlType;
}

impl SetCompleted<'_> {
    /// On the right of SET every column still has its old value.
    fn push_wanted<'b, B>(&'b self, out: &mut AstPass<'_, 'b, B>) -> QueryResult<()>
    where
        B: Backend + HasSqlType<Bool>,
        bool: ToSql<Bool, B>,
    {
        match &self.completed {
            Some(completed) => out.push_bind_param::<Bool, _>(completed),
            None => {
                out.push_sql("NOT completed");
                Ok(())
            }
        }
    }
}

pipelined!(SetCompleted, |this, out| {
    out.push_sql("UPDATE tasks SET completed = ");
    this.push_wanted(&mut out)?;
    out.push_sql(", completed_at = CASE WHEN completed = (");
    this.push_wanted(&mut out)?;
    out.push_sql(") THEN completed_at WHEN completed THEN NULL ELSE ");
    out.push_bind_param::<Timestamp, _>(&this.now)?;
    out.push_sql(" END, version = CASE WHEN completed = (");
    this.push_wanted(&mut out)?;
    out.push_sql(") THEN version ELSE version + 1 END, folded_version = CASE WHEN completed = (");
    this.push_wanted(&mut out)?;
    // Its texts are as they were: what was folded of the last version is of this.
    out.push_sql(
        ") THEN folded_version ELSE folded_version + 1 END, updated_at = CASE WHEN completed = (",
    );
    this.push_wanted(&mut out)?;
    out.push_sql(") THEN updated_at ELSE ");
    out.push_bind_param::<Timestamp, _>(&this.now)?;
    out.push_sql(" END WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)?;
    match this.if_match {
        IfMatch::Any => {}
        IfMatch::Versions(versions) if versions.is_empty() => out.push_sql(" AND 1 = 0"),
        IfMatch::Versions(versions) => {
            if versions.len() > 1 {
                // As many texts as lengths of lists: none of them is kept.
                out.unsafe_to_cache_prepared();
            }
            for (at, version) in versions.iter().enumerate() {
                out.push_sql(if at == 0 { " AND version IN (" } else { ", " });
                out.push_bind_param::<BigInt, _>(version)?;
            }
            out.push_sql(")");
        }
    }
    out.push_sql(" RETURNING ");
    out.push_sql(COLUMNS_SQL);
    Ok(())
});

/// Writes every field of a task that is still in the version it was read in.
pub(super) struct ReplaceTask<'a> {
    pub owner: &'a OwnerId,
    pub id: DbId,
    pub read_version: i64,
    pub task: TaskColumns<'a>,
}

/// The columns of a task that can change.
pub(super) struct TaskColumns<'a> {
    pub title: &'a str,
    pub title_lower: String,
    pub description: Option<&'a str>,
    pub description_lower: Option<String>,
    pub completed: bool,
    pub completed_at: Option<chrono::NaiveDateTime>,
    pub priority: i16,
    pub due_date: Option<chrono::NaiveDate>,
    pub tags: &'a str,
    pub version: i64,
    pub updated_at: chrono::NaiveDateTime,
    pub folded: FoldedTexts,
}

impl<'a> TaskColumns<'a> {
    pub fn of(task: &'a Task) -> Self {
        let title = task.title.as_str();
        let description = task.description.as_ref().map(|text| text.as_str());
        // For the previous release, which searches and sorts by nothing else, and for
        // us where folding makes no difference.
        let title_lower = title.to_lowercase();
        let description_lower = description.map(str::to_lowercase);
        let folded = FoldedTexts::of(&Texts {
            title,
            title_lower: &title_lower,
            description,
            description_lower: description_lower.as_deref(),
            tags: &task.tags,
        });
        Self {
            title,
            title_lower,
            description,
            description_lower,
            completed: task.completed,
            completed_at: task.completed_at.map(|at| at.utc().naive_utc()),
            priority: task.priority.rank(),
            due_date: task.due_date,
            tags: task.tags.column(),
            version: task.version,
            updated_at: task.updated_at.utc().naive_utc(),
            folded,
        }
    }
}

impl QueryFragment<MultiBackend> for ReplaceTask<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let task = &self.task;
        out.push_sql("UPDATE tasks SET title = ");
        out.push_bind_param::<Text, _>(task.title)?;
        out.push_sql(", title_lower = ");
        out.push_bind_param::<Text, _>(&task.title_lower)?;
        out.push_sql(", description = ");
        out.push_bind_param::<Nullable<Text>, _>(&task.description)?;
        out.push_sql(", description_lower = ");
        out.push_bind_param::<Nullable<Text>, _>(&task.description_lower)?;
        out.push_sql(", completed = ");
        out.push_bind_param::<Bool, _>(&task.completed)?;
        out.push_sql(", completed_at = ");
        out.push_bind_param::<Nullable<Timestamp>, _>(&task.completed_at)?;
        out.push_sql(", priority = ");
        out.push_bind_param::<SmallInt, _>(&task.priority)?;
        out.push_sql(", due_date = ");
        out.push_bind_param::<Nullable<Date>, _>(&task.due_date)?;
        out.push_sql(", tags = ");
        out.push_bind_param::<Text, _>(task.tags)?;
        out.push_sql(", version = ");
        out.push_bind_param::<BigInt, _>(&task.version)?;
        out.push_sql(", updated_at = ");
        out.push_bind_param::<Timestamp, _>(&task.updated_at)?;
        out.push_sql(", title_folded = ");
        out.push_bind_param::<Nullable<Text>, _>(&task.folded.title)?;
        out.push_sql(", rest_folded = ");
        out.push_bind_param::<Nullable<Text>, _>(&task.folded.rest)?;
        out.push_sql(", folded_version = ");
        out.push_bind_param::<BigInt, _>(&task.version)?;
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<Id, _>(&self.id)?;
        out.push_sql(" AND version = ");
        out.push_bind_param::<BigInt, _>(&self.read_version)
    }
}
