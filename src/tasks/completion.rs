//! Completing and reopening a task, and the next task of a series.
//!
//! Invariants: a task has at most one successor, made by the change that completes it.
//! `next_id` says that it was made, so completing again, at the same time or after a crash,
//! makes no other. The copies below a successor have ids that are companions of its id, and
//! nothing else has: so what somebody has added there is told from them.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::query_builder::Query;
use diesel::sql_types;

use super::due;
use super::input::Completion;
use super::model::{Task, TaskRow};
use super::schedule::Schedule;
use super::series::shift;
use super::trash::end;
use super::tree;
use crate::auth::OwnerId;
use crate::db::change::{Change, change_rows};
use crate::db::column::StatementText;
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::order::Arranged as _;
use crate::db::owned::{self, Owned as _};
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, MAX_STATEMENTS, Session};
use crate::db::statement::{Access, Failure, Statement, dynamic_query, statement_text};
use crate::db::table::{Place, Table, has_many_versions, push_if_match};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;

/// Sets or inverts the completion of the owner's task.
pub struct CompleteTask {
    /// Which.
    pub id: ResourceId,
    /// What it becomes.
    pub completion: Completion,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl CompleteTask {
    fn simple<'a>(&'a self, owner: &'a OwnerId) -> SetCompleted<'a> {
        SetCompleted {
            owner,
            id: DbId(self.id),
            completed: self.completion.completed,
            if_match: &self.if_match,
            now: Timestamp::now().column(),
        }
    }

    fn run_as_change(
        &self,
        conn: &mut DbConnection,
        change: &Change<'_>,
        owner: &OwnerId,
    ) -> Result<Task, Failure> {
        let place = Place::Live;
        let task: Task = owned::find_matching(conn, owner, self.id, place, &self.if_match)?;
        let now = Timestamp::now();
        let done = self.completion.completed.unwrap_or(!task.completed);
        let on = self.completion.on;
        let mut new = task.clone();
        if task.completed != done {
            new = complete(&task, done, now);
            follow(conn, change, &task, &mut new, on, now)?;
        }
        if self.completion.subtasks && done {
            let mut gone_on = GoneOn::default();
            if !task.completed {
                gone_on.note(&task, &new);
            }
            let below = tree::below(conn, owner, task.id, place)?;
            for old in below.iter().flatten() {
                let goes_along = gone_on.takes_along(old);
                if old.completed {
                    continue;
                }
                let mut new = complete(old, true, now);
                if !goes_along {
                    follow(conn, change, old, &mut new, on, now)?;
                    gone_on.note(old, &new);
                }
                owned::write(conn, change, old, &new)?;
            }
        }
        if task.completed != done {
            owned::write(conn, change, &task, &new)?;
        }
        Ok(new)
    }
}

/// The tasks that are completed together and have a successor. It has copies of all that is
/// below them, which so makes no successors of its own.
#[derive(Default)]
struct GoneOn {
    above: HashSet<ResourceId>,
    /// Successors that were there before. One of them may have been moved below the task
    /// that it follows: it is not a part of it, and goes on.
    earlier: HashSet<ResourceId>,
}

impl GoneOn {
    /// Notes a task that is completed, if it has a successor.
    fn note(&mut self, old: &Task, new: &Task) {
        if new.next_id.is_some() {
            self.above.insert(new.id);
            self.earlier.extend(old.next_id);
        }
    }

    /// Whether a task goes along with one above it; all above it were asked for before.
    fn takes_along(&mut self, task: &Task) -> bool {
        let is_below = task.parent_id.is_some_and(|it| self.above.contains(&it));
        let goes_along = is_below && !self.earlier.contains(&task.id);
        if goes_along {
            self.above.insert(task.id);
        }
        goes_along
    }
}

impl Statement for CompleteTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        if !self.completion.subtasks {
            // Stepped to its end, not only to its first row: SQLite commits at the end,
            // and says there that it could not.
            let updated: Vec<TaskRow> = self.simple(owner).load(conn)?;
            if let Some(row) = updated.into_iter().next() {
                return Ok(Task::from_fields(&row.fields(), owner));
            }
        }
        // What cannot be completed, or is completed already, takes no lock and writes
        // nothing.
        let task: Task = owned::find_matching(conn, owner, self.id, Place::Live, &self.if_match)?;
        if !self.completion.subtasks && self.completion.completed == Some(task.completed) {
            return Ok(task);
        }
        change_rows(conn, owner, |conn, change| {
            self.run_as_change(conn, change, owner)
        })
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        (!self.completion.subtasks).then_some(MAX_STATEMENTS)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Task>, pipelines::Failure> {
        let updated = session.query(&self.simple(owner)).await?;
        owned::first_pipelined(&updated, owner)
    }
}

fn complete(task: &Task, done: bool, now: Timestamp) -> Task {
    Task {
        completed: done,
        completed_at: done.then_some(now),
        ..task.changed(now)
    }
}

/// What completing or reopening a task makes of its series. `new` is the task as it will
/// be written, in the place where it will be; what is below it is there already.
///
/// # Errors
///
/// The database failed.
pub fn follow(
    conn: &mut DbConnection,
    change: &Change<'_>,
    old: &Task,
    new: &mut Task,
    on: Option<NaiveDate>,
    now: Timestamp,
) -> Result<(), Failure> {
    if old.completed == new.completed {
        return Ok(());
    }
    match new.next_id {
        None if new.completed => new.next_id = make_successor(conn, new, on, now)?,
        Some(next) if !new.completed && take_back(conn, change, new, next)? => {
            new.next_id = None;
        }
        _ => {}
    }
    Ok(())
}

/// Makes the next task of a series, with copies of all below it, open, in their shape.
fn make_successor(
    conn: &mut DbConnection,
    task: &Task,
    on: Option<NaiveDate>,
    now: Timestamp,
) -> Result<Option<ResourceId>, Failure> {
    let schedule = &task.schedule;
    let (Some(due), Some(recurrence)) = (schedule.date, &schedule.recurrence) else {
        return Ok(None);
    };
    let today = on.unwrap_or_else(|| due::today(schedule.zone.as_deref(), now));
    let Some((date, series)) = recurrence.next(due, today) else {
        return Ok(None);
    };
    let next = Task {
        position: None,
        schedule: Schedule {
            date: Some(date),
            recurrence: Some(series),
            ..schedule.clone()
        },
        ..reopened(task, ResourceId::generate())
    };
    owned::insert(conn, &next)?;
    let days = (date - due).num_days();
    let mut copies = HashMap::from([(task.id, next.id)]);
    let mut ids = (1..).map(|nth| next.id.companion(nth));
    for old in tree::below(conn, &task.owner_id, task.id, Place::Live)?
        .iter()
        .flatten()
    {
        // The history of a series of its own: the task that goes on is another one.
        let parent = old
            .parent_id
            .and_then(|parent| copies.get(&parent).copied());
        let (None, Some(parent)) = (old.next_id, parent) else {
            continue;
        };
        let Some(id) = ids.next() else {
            break;
        };
        let copy = Task {
            parent_id: Some(parent),
            position: Some(old.effective_position()),
            schedule: shifted(&old.schedule, days),
            ..reopened(old, id)
        };
        owned::insert(conn, &copy)?;
        copies.insert(old.id, copy.id);
    }
    Ok(Some(next.id))
}

/// A new task like another one, open.
fn reopened(task: &Task, id: ResourceId) -> Task {
    Task {
        id,
        completed: false,
        completed_at: None,
        next_id: None,
        version: 1,
        updated_at: id.created_at(),
        trashed: None,
        ..task.clone()
    }
}

fn shifted(schedule: &Schedule, days: i64) -> Schedule {
    let recurrence = schedule.recurrence.as_ref();
    Schedule {
        date: schedule.date.map(|date| shift(date, days).unwrap_or(date)),
        recurrence: recurrence.map(|recurrence| recurrence.shifted(days)),
        ..schedule.clone()
    }
}

/// Ends the successor of a task, if nobody has touched it, with the copies below it. Whether
/// it is gone.
fn take_back(
    conn: &mut DbConnection,
    change: &Change<'_>,
    task: &Task,
    next: ResourceId,
) -> Result<bool, Failure> {
    let owner = &task.owner_id;
    // An import could bring a task that names itself.
    let next = match next == task.id {
        true => None,
        false => owned::read::<Task>(conn, owner, next, Place::Anywhere)?,
    };
    let Some(next) = next else {
        return Ok(true);
    };
    let below = tree::below(conn, owner, next.id, Place::Anywhere)?.concat();
    let is_touched = next.version > 1 || !below.iter().all(|it| is_untouched_copy(it, &next));
    // The task itself goes below it with the same change.
    let is_parent = |it: &Task| task.parent_id == Some(it.id);
    if is_touched || is_parent(&next) || below.iter().any(is_parent) {
        return Ok(false);
    }
    end(conn, change, &next)?;
    Ok(true)
}

/// Whether a task below a successor was made with it, and has not changed since. What a
/// client has added is new, too, and may have an id that the client has made up: but it was
/// not made at the time in that id.
fn is_untouched_copy(task: &Task, next: &Task) -> bool {
    let is_new = task.version == 1 && task.updated_at == task.id.created_at();
    is_new && task.id.is_companion_of(next.id)
}

/// UPDATE: sets or toggles `completed` of a task for which that is all. Finds nothing if
/// it has that value already.
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
    fn push_where<'b>(&'b self, out: &mut impl StatementText<'b>) -> QueryResult<()> {
        out.sql(" WHERE owner_id = ");
        out.bind_text(self.owner.as_str())?;
        out.sql(" AND id = ");
        out.bind(&self.id)?;
        // What has a series needs a transaction. So does a subtask: reopened without the
        // owner's lock it could stay behind, live, when the tasks above it are cleared.
        out.sql(
            " AND deleted_at IS NULL AND recurrence IS NULL AND next_id IS NULL \
             AND parent_id IS NULL",
        );
        if let Some(completed) = &self.completed {
            out.sql(" AND completed <> ");
            out.bind(completed)?;
        }
        push_if_match(self.if_match, out)
    }
}

dynamic_query!([] SetCompleted<'_>);

statement_text!([] SetCompleted<'_>, |this, out| {
    if has_many_versions(this.if_match) {
        out.unsafe_to_cache_prepared();
    }
    // Right of `=` columns have their old values. The texts have not changed, so folded
    // columns of the old version stay valid.
    out.push_sql(
        "UPDATE tasks SET completed = NOT completed, version = version + 1, \
         folded_version = folded_version + 1, completed_at = CASE WHEN completed THEN NULL ELSE ",
    );
    out.push_bind_param::<sql_types::Timestamp, _>(&this.now)?;
    out.push_sql(" END, updated_at = ");
    out.push_bind_param::<sql_types::Timestamp, _>(&this.now)?;
    out.push_sql(", change = 0");
    this.push_where(&mut out)?;
    out.push_sql(" RETURNING ");
    out.push_sql(TaskRow::READ);
    Ok(())
});
