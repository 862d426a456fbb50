//! What is asked for most. Over a pipeline where there is one, else, and whenever
//! the pipeline says anything but yes, the ordinary way.

use std::time::Instant;

use super::bridge::Db;
use super::error::DbError;
use super::tasks::{self, Created, Miss, Page};
use crate::auth::OwnerId;
use crate::domain::{Completion, Draft, IdempotencyKey, IfMatch, ListQuery, Task, TaskId};

/// Tasks of a page that a pipeline carries: others wait behind it.
#[cfg(feature = "postgres")]
const LARGEST_PAGE: u16 = 50;

impl Db {
    /// How many pipelines are open.
    pub fn pipelines_open(&self) -> u32 {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            return pipelines.open();
        }
        0
    }

    /// Sends nothing over pipelines any more, and waits for what is under way.
    /// Their bytes are moved by the HTTP workers, which end at different times.
    pub async fn end_pipelines(&self) {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            pipelines.end();
            pipelines.ended().await;
        }
    }

    /// The owner's newest tasks, if that is what the query asks for and a pipeline
    /// has them; else see [`tasks::list`].
    pub async fn newest(&self, owner: &OwnerId, query: &ListQuery) -> Option<Page> {
        #[cfg(feature = "postgres")]
        if query.is_newest() && query.limit <= LARGEST_PAGE {
            return self.newest_pipelined(owner, query).await;
        }
        let _ = (owner, query);
        None
    }

    /// One task of the owner's: [`tasks::find`].
    pub async fn find(
        &self,
        owner: OwnerId,
        deadline: Instant,
        id: TaskId,
    ) -> Result<Result<Task, Miss>, DbError> {
        #[cfg(feature = "postgres")]
        if let Some(task) = self.find_pipelined(&owner, id).await {
            return Ok(Ok(task));
        }
        self.read(owner, deadline, move |conn, owner| {
            tasks::find(conn, owner, id)
        })
        .await
    }

    /// Sets or toggles the completion of the owner's task: [`tasks::complete`].
    pub async fn complete(
        &self,
        owner: OwnerId,
        deadline: Instant,
        id: TaskId,
        completion: Completion,
        if_match: IfMatch,
    ) -> Result<Result<Task, Miss>, DbError> {
        #[cfg(feature = "postgres")]
        if let Some(task) = self
            .complete_pipelined(&owner, deadline, id, completion, &if_match)
            .await?
        {
            return Ok(Ok(task));
        }
        self.write(owner, deadline, move |conn, owner| {
            tasks::complete(conn, owner, id, completion, &if_match)
        })
        .await
    }

    /// Makes a task of a draft: [`tasks::create`].
    pub async fn create(
        &self,
        owner: OwnerId,
        deadline: Instant,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, DbError> {
        let id = TaskId::generate();
        #[cfg(feature = "postgres")]
        if key.is_none()
            && let Some(task) = self.create_pipelined(&owner, deadline, id, &draft).await?
        {
            return Ok(Created::New(task));
        }
        self.write(owner, deadline, move |conn, owner| {
            tasks::create(conn, owner, id, &draft, key.as_ref())
        })
        .await
    }
}

#[cfg(feature = "postgres")]
mod pipelined {
    use super::*;
    use crate::db::id::DbId;
    use crate::db::page;
    use crate::db::pipelined_rows::{json_of, task_of};
    use crate::db::pipelines::{Failure, MOST, MOST_BEFORE_PAGE, Session};
    use crate::db::statements::{FindTask, InsertTask, NewestTasks, TaskColumns};
    use crate::domain::{Cursor, Position};

    impl Db {
        pub(super) async fn newest_pipelined(
            &self,
            owner: &OwnerId,
            query: &ListQuery,
        ) -> Option<Page> {
            let most = i64::from(query.limit) + 1;
            let statement = NewestTasks { owner, most };
            let load = async |session: &Session| session.query(&statement).await;
            let pipelines = self.pipelines()?;
            let mut rows = pipelines.read(owner, MOST_BEFORE_PAGE, load).await?;
            let has_more = page::cut(&mut rows, query);
            // If one of them cannot be written, which is no fault of the pipeline's,
            // the ordinary way says so.
            let items: Vec<_> = rows.iter().map(json_of).collect::<Option<_>>()?;
            let last = items.last().filter(|_| has_more);
            let next = last.map(|last| Position {
                key: Cursor::CreatedAt,
                id: last.id(),
            });
            self.pipelined().inc();
            Some(Page { items, next })
        }

        pub(super) async fn find_pipelined(&self, owner: &OwnerId, id: TaskId) -> Option<Task> {
            let statement = FindTask {
                owner,
                id: DbId(id),
            };
            let load = async |session: &Session| session.query(&statement).await;
            let rows = self.pipelines()?.read(owner, MOST, load).await?;
            let task = task_of(rows.first()?, owner).ok()?;
            self.pipelined().inc();
            Some(task)
        }

        pub(super) async fn complete_pipelined(
            &self,
            owner: &OwnerId,
            deadline: Instant,
            id: TaskId,
            completion: Completion,
            if_match: &IfMatch,
        ) -> Result<Option<Task>, DbError> {
            let Some(pipelines) = self.pipelines() else {
                return Ok(None);
            };
            let statement = tasks::set_completed(owner, id, completion, if_match);
            let run = async |session: &Session| {
                let updated = session.query(&statement).await?;
                let task = updated.first().map(|row| task_of(row, owner)).transpose();
                task.map_err(|error| Failure::Bug(error.into()))
            };
            let task = pipelines.write(owner, deadline, run).await?.flatten();
            self.pipelined().inc_by(u64::from(task.is_some()));
            Ok(task)
        }

        pub(super) async fn create_pipelined(
            &self,
            owner: &OwnerId,
            deadline: Instant,
            id: TaskId,
            draft: &Draft,
        ) -> Result<Option<Task>, DbError> {
            let Some(pipelines) = self.pipelines() else {
                return Ok(None);
            };
            let task = draft.clone().into_task(owner, id);
            let statement = InsertTask {
                owner,
                id: DbId(task.id),
                task: TaskColumns::of(&task),
            };
            let run = async |session: &Session| session.execute(&statement).await;
            let done = pipelines.write(owner, deadline, run).await?;
            self.pipelined().inc_by(u64::from(done.is_some()));
            Ok(done.map(|_| task))
        }
    }
}
