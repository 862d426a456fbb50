//! The statements on tasks.
//!
//! Invariant: every statement filters by the owner in its WHERE clause. The owner is
//! the one that [`Db::run`](crate::db::bridge::Db::run) was given; an [`OwnerId`]
//! comes from a verified token only.

use diesel::prelude::*;

use super::completion::follow;
use super::input::{NewTask, Patch};
use super::model::{Task, TaskRow};
use super::place::settle;
use crate::auth::OwnerId;
use crate::db::change::{Change, change_rows};
use crate::db::connection::DbConnection;
use crate::db::idempotency::{self, Created, Draft as _};
use crate::db::new_rows::NewRow;
use crate::db::order::Order as _;
use crate::db::owned;
#[cfg(feature = "postgres")]
use crate::db::owned::Owned as _;
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, MAX_STATEMENTS, Session};
use crate::db::quota::Admission;
use crate::db::rejection::Rejection;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::Place;
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::timestamp::Timestamp;

/// Reads one of the owner's tasks.
pub struct ReadTask(pub ResourceId);

impl Statement for ReadTask {
    type Output = Task;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        owned::find(conn, owner, self.0, Place::Live)
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
    /// Whether there is a place for it.
    pub admission: Admission,
}

impl CreateTask {
    /// Whether it looks up nothing, and cannot be refused.
    fn only_inserts(&self) -> bool {
        let is_granted = matches!(self.admission, Admission::Granted);
        is_granted && self.key.is_none() && !self.new_task.has_place()
    }
}

impl Statement for CreateTask {
    type Output = Created<Task>;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Created<Task>, Failure> {
        let (key, new) = (self.key.as_ref(), &self.new_task);
        idempotency::create(conn, owner, self.id, key, new, &self.admission)
    }

    fn as_insert(&self, owner: &OwnerId) -> Option<(NewRow, Created<Task>)> {
        self.only_inserts().then(|| {
            let task = self.new_task.make(owner, self.id);
            (NewRow::of(task.clone()), Created::New(task))
        })
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        self.only_inserts().then_some(MAX_STATEMENTS)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Created<Task>>, pipelines::Failure> {
        let task = self.new_task.make(owner, self.id);
        session.execute(&task.insert()).await?;
        Ok(Some(Created::New(task)))
    }
}

/// Creates a task with an id that the client has given. It stands last.
pub struct CreateTaskWithId {
    /// The id.
    pub id: ResourceId,
    /// The task to create.
    pub new_task: NewTask,
    /// Whether there is a place for it.
    pub admission: Admission,
}

impl Statement for CreateTaskWithId {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        idempotency::create_with_id(conn, owner, self.id, &self.new_task, &self.admission)
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

impl UpdateTask {
    /// What moves a task, or completes it, depends on other tasks.
    fn run_as_change(
        &self,
        conn: &mut DbConnection,
        change: &Change<'_>,
        owner: &OwnerId,
    ) -> Result<Task, Failure> {
        let (id, place) = (self.id, Place::Live);
        let old: Task = owned::find_matching(conn, owner, id, place, &self.if_match)?;
        let now = Timestamp::now();
        let mut errors = Vec::new();
        let siblings = self.patch.target().resolve(conn, &old, &mut errors)?;
        let patched = self.patch.apply(&old, now);
        let patched = patched.map_err(|more| errors.extend(more));
        let Ok(patched) = patched.and_then(|new| errors.is_empty().then_some(new).ok_or(())) else {
            return Err(Rejection::Invalid(errors).into());
        };
        let is_moved = siblings != old.siblings();
        if !is_moved && patched == old {
            return Ok(old);
        }
        let mut new = patched.changed(now);
        // First the place: a successor belongs where the task goes, and one below which the
        // task goes is not taken back.
        if is_moved {
            let position = siblings.end(conn, owner, id)?;
            settle(conn, change, &mut new, siblings, Some(position), now)?;
        }
        follow(conn, change, &old, &mut new, None, now)?;
        owned::write(conn, change, &old, &new)?;
        Ok(new)
    }
}

impl Statement for UpdateTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        if self.patch.target().is_some() || self.patch.completed().is_some() {
            return change_rows(conn, owner, |conn, change| {
                self.run_as_change(conn, change, owner)
            });
        }
        let now = Timestamp::now();
        owned::change(conn, owner, self.id, &self.if_match, |task: &Task| {
            let new = self.patch.apply(task, now).map_err(Rejection::Invalid)?;
            Ok((new != *task).then(|| new.changed(now)))
        })
    }
}

/// Checks that the table exists and can be read.
pub fn check(conn: &mut DbConnection) -> QueryResult<()> {
    owned::check::<TaskRow>(conn)
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn a_create_with_a_key_is_a_transaction_and_goes_over_no_pipeline() {
        let body = serde_json::json!({ "title": "a" });
        let mut create = CreateTask {
            id: ResourceId::generate(),
            new_task: NewTask::parse(&body).unwrap(),
            key: None,
            admission: Admission::Granted,
        };
        assert_eq!(create.pipeline_limit(), Some(MAX_STATEMENTS));
        create.key = IdempotencyKey::parse(b"k", "", b"{}");
        assert!(create.key.is_some());
        assert_eq!(create.pipeline_limit(), None);
    }

    #[test]
    fn reading_one_goes_over_a_pipeline() {
        let id = ResourceId::generate();
        assert_eq!(ReadTask(id).pipeline_limit(), Some(MAX_STATEMENTS));
    }
}
