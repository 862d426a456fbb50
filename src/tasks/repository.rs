//! The repository: what can be asked of the tasks.
//!
//! Invariant: the owner stands in the WHERE clause of every statement. It comes from
//! [`Db::run`](crate::db::bridge::Db::run), which takes it from a verified token.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query};
use diesel::result::Error;
use diesel::serialize::ToSql;
use diesel::sql_types::{self, Bool, HasSqlType, Text};

use super::cursor::Position;
use super::input::{Completion, NewTask, Patch};
use super::model::{Task, TaskRow};
use super::page;
use super::query::ListQuery;
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::id::{DbId, Id};
use crate::db::idempotency::{self, Created};
use crate::db::owned::{self, Owned as _};
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, MAX, MAX_BEFORE_PAGE, Session};
use crate::db::row_json::RowJson;
use crate::db::schema::tasks;
use crate::db::statement::{Access, Failure, Statement, dynamic_query, statement_text};
use crate::db::table::{Table, has_many_versions, push_if_match};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::timestamp::Timestamp;

/// Tasks of a page that a pipeline carries: others wait behind it.
#[cfg(feature = "postgres")]
const LARGEST_PAGE: u16 = 50;

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The tasks.
    pub items: Vec<RowJson>,
    /// The place behind them, if there are more.
    pub next: Option<Position>,
}

/// The owner's tasks that a query asks for.
pub struct ListTasks(pub ListQuery);

impl Statement for ListTasks {
    type Output = Page;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Page, Failure> {
        let Self(query) = self;
        let mut rows = page::load(conn, owner, query)?;
        let has_more = page::cut(&mut rows, query);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|(last, title)| {
            let title = title.as_deref().unwrap_or_default();
            Position::of(&last.fields(), query.sort.key, title)
        });
        // A row is gone as soon as it is written: a page may be large.
        let items = rows.into_iter().map(|(row, _)| row.fields().to_json());
        let items: serde_json::Result<_> = items.collect();
        Ok(Page {
            items: items.map_err(|error| Error::DeserializationError(error.into()))?,
            next,
        })
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        let Self(query) = self;
        (query.is_newest() && query.limit <= LARGEST_PAGE).then_some(MAX_BEFORE_PAGE)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Page>, pipelines::Failure> {
        page::newest_pipelined(session, owner, &self.0).await
    }
}

/// One task of the owner's.
pub struct ReadTask(pub ResourceId);

impl Statement for ReadTask {
    type Output = Task;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        owned::find(conn, owner, self.0)
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        Some(MAX)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Task>, pipelines::Failure> {
        owned::read_pipelined(session, owner, self.0).await
    }
}

/// Makes a task of a draft, once for each Idempotency-Key.
pub struct CreateTask {
    /// The id, the same however often it is tried.
    pub id: ResourceId,
    /// What it is to be.
    pub draft: NewTask,
    /// The key, if the client sent one.
    pub key: Option<IdempotencyKey>,
}

impl Statement for CreateTask {
    type Output = Created<Task>;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Created<Task>, Failure> {
        let make = |id| self.draft.clone().into_task(owner, id);
        idempotency::create(conn, owner, self.id, self.key.as_ref(), make)
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        self.key.is_none().then_some(MAX)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Created<Task>>, pipelines::Failure> {
        let task = self.draft.clone().into_task(owner, self.id);
        session.execute(&task.insert()).await?;
        Ok(Some(Created::New(task)))
    }
}

/// Changes the owner's task as a patch says.
pub struct UpdateTask {
    /// Which.
    pub id: ResourceId,
    /// What of it.
    pub patch: Patch,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl Statement for UpdateTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        let merge = |task: &Task| self.patch.apply(task, Timestamp::now());
        owned::change(conn, owner, self.id, &self.if_match, merge)
    }
}

/// Sets or toggles the completion of the owner's task.
pub struct CompleteTask {
    /// Which.
    pub id: ResourceId,
    /// What it becomes.
    pub completion: Completion,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl CompleteTask {
    fn statement<'a>(&'a self, owner: &'a OwnerId) -> SetCompleted<'a> {
        SetCompleted {
            owner,
            id: DbId(self.id),
            completed: match self.completion {
                Completion::Toggle => None,
                Completion::Set(completed) => Some(completed),
            },
            if_match: &self.if_match,
            now: Timestamp::now().column(),
        }
    }
}

impl Statement for CompleteTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        // Stepped to its end, not only to its first row: SQLite commits at the end,
        // and says there that it could not.
        let updated: Vec<TaskRow> = self.statement(owner).load(conn)?;
        match updated.into_iter().next() {
            Some(row) => Ok(Task::from_fields(&row.fields(), owner)),
            None => Err(owned::why_missing::<Task>(conn, owner, self.id)?.into()),
        }
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        Some(MAX)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Task>, pipelines::Failure> {
        let updated = session.query(&self.statement(owner)).await?;
        owned::first_pipelined(&updated, owner)
    }
}

/// Deletes the owner's task.
pub struct DeleteTask {
    /// Which.
    pub id: ResourceId,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl Statement for DeleteTask {
    type Output = ();
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        owned::delete::<Task>(conn, owner, self.id, &self.if_match)
    }
}

/// Deletes the owner's completed tasks and says how many there were.
pub struct ClearCompleted;

impl Statement for ClearCompleted {
    type Output = usize;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<usize, Failure> {
        let completed = tasks::table
            .filter(tasks::owner_id.eq(owner.as_str()))
            .filter(tasks::completed.eq(true));
        Ok(diesel::delete(completed).execute(conn)?)
    }
}

/// Whether the table is there and answers.
pub fn check(conn: &mut DbConnection) -> QueryResult<()> {
    owned::check::<TaskRow>(conn)
}

/// Sets or toggles `completed`. What already holds changes nothing, the version
/// least of all.
struct SetCompleted<'a> {
    owner: &'a OwnerId,
    id: DbId,
    /// None toggles.
    completed: Option<bool>,
    if_match: &'a IfMatch,
    now: chrono::NaiveDateTime,
}

impl Query for SetCompleted<'_> {
    type SqlType = <TaskRow as Table>::Sql;
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

dynamic_query!([] SetCompleted<'_>);

statement_text!([] SetCompleted<'_>, |this, out| {
    out.push_sql("UPDATE tasks SET completed = ");
    this.push_wanted(&mut out)?;
    out.push_sql(", completed_at = CASE WHEN completed = (");
    this.push_wanted(&mut out)?;
    out.push_sql(") THEN completed_at WHEN completed THEN NULL ELSE ");
    out.push_bind_param::<sql_types::Timestamp, _>(&this.now)?;
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
    out.push_bind_param::<sql_types::Timestamp, _>(&this.now)?;
    out.push_sql(" END WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)?;
    if has_many_versions(this.if_match) {
        out.unsafe_to_cache_prepared();
    }
    push_if_match(this.if_match, &mut out)?;
    out.push_sql(" RETURNING ");
    out.push_sql(TaskRow::READ);
    Ok(())
});
