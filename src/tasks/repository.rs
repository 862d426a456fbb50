//! The statements on tasks.
//!
//! Invariant: every statement filters by the owner in its WHERE clause. The owner is
//! the one that [`Db::run`](crate::db::bridge::Db::run) was given; an [`OwnerId`]
//! comes from a verified token only.

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
use crate::db::pipelines::{self, MAX_BEFORE_PAGE, MAX_STATEMENTS, Session};
use crate::db::row_json::RowJson;
use crate::db::schema::tasks;
use crate::db::statement::{Access, Failure, Statement, dynamic_query, statement_text};
use crate::db::table::{Table, has_many_versions, push_if_match};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::timestamp::Timestamp;

/// The largest page size that may go over a pipeline: the statements behind it wait.
#[cfg(feature = "postgres")]
const LARGEST_PAGE: u16 = 50;

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The tasks.
    pub items: Vec<RowJson>,
    /// The position after the last task, if there are more.
    pub next: Option<Position>,
}

/// Lists the owner's tasks that match a query.
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
        // Consumes the rows one by one, so that a large page is not in memory twice.
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

/// Reads one of the owner's tasks.
pub struct ReadTask(pub ResourceId);

impl Statement for ReadTask {
    type Output = Task;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        owned::find(conn, owner, self.0)
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        Some(MAX_STATEMENTS)
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

/// Creates a task, once for each Idempotency-Key.
pub struct CreateTask {
    /// The id of the task, the same in every attempt.
    pub id: ResourceId,
    /// The task to create.
    pub new_task: NewTask,
    /// The key, if the client sent one.
    pub key: Option<IdempotencyKey>,
}

impl Statement for CreateTask {
    type Output = Created<Task>;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Created<Task>, Failure> {
        let make = |id| self.new_task.clone().into_task(owner, id);
        idempotency::create(conn, owner, self.id, self.key.as_ref(), make)
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        self.key.is_none().then_some(MAX_STATEMENTS)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Created<Task>>, pipelines::Failure> {
        let task = self.new_task.clone().into_task(owner, self.id);
        session.execute(&task.insert()).await?;
        Ok(Some(Created::New(task)))
    }
}

/// Applies a merge patch to one of the owner's tasks.
pub struct UpdateTask {
    /// The id of the task.
    pub id: ResourceId,
    /// The patch.
    pub patch: Patch,
    /// The precondition: one of these versions.
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

/// Sets or toggles `completed` of one of the owner's tasks.
pub struct CompleteTask {
    /// The id of the task.
    pub id: ResourceId,
    /// Whether to set or to toggle.
    pub completion: Completion,
    /// The precondition: one of these versions.
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
        // Reads to the end, not only the first row: SQLite commits with the last step,
        // and reports there if it could not.
        let updated: Vec<TaskRow> = self.statement(owner).load(conn)?;
        match updated.into_iter().next() {
            Some(row) => Ok(Task::from_fields(&row.fields(), owner)),
            None => Err(owned::why_missing::<Task>(conn, owner, self.id)?.into()),
        }
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        Some(MAX_STATEMENTS)
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

/// Deletes one of the owner's tasks.
pub struct DeleteTask {
    /// The id of the task.
    pub id: ResourceId,
    /// The precondition: one of these versions.
    pub if_match: IfMatch,
}

impl Statement for DeleteTask {
    type Output = ();
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        owned::delete::<Task>(conn, owner, self.id, &self.if_match)
    }
}

/// Deletes all completed tasks of the owner and returns how many there were.
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

/// Checks that the table exists and can be read.
pub fn check(conn: &mut DbConnection) -> QueryResult<()> {
    owned::check::<TaskRow>(conn)
}

/// UPDATE: sets or toggles `completed`. If it has that value already, nothing
/// changes, and so neither does the version.
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
    /// Appends the new value. Right of `=` in SET, columns have their old values.
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
    // The texts have not changed, so folded columns of the old version stay valid.
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
