//! The trash: what goes there, what comes back, and what ends.
//!
//! Invariants: a task goes with everything below it, and remembers with which task or
//! list it went. A live task never stands below one in the trash.

use std::collections::HashSet;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::bulk::{
    EndTasks, EndTrashed, Ended, LeaveEnded, RestoreTasks, Together, TrashTasks, Which,
};
use super::model::{Task, TaskRow, Trashed};
use super::place::list_is_live;
use super::siblings::Siblings;
use super::tree::{self, MAX_LEVELS};
use crate::auth::OwnerId;
use crate::db::change::{Change, change_all, change_rows};
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::order::Order as _;
use crate::db::owned;
use crate::db::schema::tasks;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::{Place, Table as _};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;

/// The condition on a list `it` that no task is left that went to the trash with it.
pub const WITHOUT_TASKS_THAT_WENT_WITH_IT: &str = " AND NOT EXISTS (SELECT 1 FROM tasks \
     WHERE tasks.owner_id = it.owner_id AND tasks.list_id = it.id AND tasks.deleted_with = it.id)";

/// Moves the owner's task to the trash, or ends it.
pub struct DeleteTask {
    /// Which.
    pub id: ResourceId,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
    /// For good, whether it is in the trash or not.
    pub permanent: bool,
}

impl Statement for DeleteTask {
    type Output = ();
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        change_rows(conn, owner, |conn, change| {
            let place = if self.permanent {
                Place::Anywhere
            } else {
                Place::Live
            };
            let task: Task = owned::find_matching(conn, owner, self.id, place, &self.if_match)?;
            if self.permanent {
                end(conn, change, &task).map(drop)
            } else {
                trash(conn, change, &task, task.id, Timestamp::now()).map(drop)
            }
        })
    }
}

/// Takes the owner's task out of the trash, and what went there with it.
pub struct RestoreTask {
    /// Which.
    pub id: ResourceId,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl Statement for RestoreTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        change_rows(conn, owner, |conn, change| {
            let (id, place) = (self.id, Place::Trash);
            let task: Task = owned::find_matching(conn, owner, id, place, &self.if_match)?;
            restore(conn, change, &task, Timestamp::now())
        })
    }
}

/// Moves the owner's completed tasks to the trash, or ends them, and says how many.
pub struct ClearCompleted {
    /// Only those that were completed before this instant.
    pub before: Option<Timestamp>,
    /// For good.
    pub permanent: bool,
}

impl Statement for ClearCompleted {
    type Output = usize;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<usize, Failure> {
        change_all(conn, owner, |conn, change| {
            let which = Which::Completed(self.before.map(Timestamp::column));
            let now = later_than_all(conn, owner, Timestamp::now())?;
            if self.permanent {
                let ended: Vec<DbId> = EndTasks { owner, which }.load(conn)?;
                change.end(conn, TaskRow::NAME, &ended)?;
                leave_parents(conn, change, owner.as_str(), &ended, None)?;
                return Ok(ended.len());
            }
            let now = now.column();
            let with = None;
            let count = TrashTasks {
                owner,
                which,
                with,
                now,
            }
            .execute(conn)?;
            // A subtask went with the topmost of those above it that went.
            for _ in 1..MAX_LEVELS {
                Together { owner, now }.execute(conn)?;
            }
            Ok(count)
        })
    }
}

/// How far ahead operations of a batch can have gone to the trash, each a millisecond later.
const NEAR: TimeDelta = TimeDelta::seconds(10);

/// An instant at which nothing of the owner's went to the trash: now, or a little later,
/// because operations of a batch follow each other within a millisecond.
fn later_than_all(
    conn: &mut DbConnection,
    owner: &OwnerId,
    now: Timestamp,
) -> QueryResult<Timestamp> {
    // Further ahead is only what was imported once: what follows it would stay for ever.
    let near = Timestamp::new(now.utc() + NEAR);
    let last: Option<NaiveDateTime> = tasks::table
        .filter(tasks::owner_id.eq(owner.as_str()))
        .filter(tasks::deleted_at.ge(now.column()))
        .filter(tasks::deleted_at.lt(near.column()))
        .select(diesel::dsl::max(tasks::deleted_at))
        .get_result(conn)?;
    let next = |last| Timestamp::of_column(last + TimeDelta::milliseconds(1));
    Ok(last.map_or(now, next))
}

/// Ends everything of the owner's that is in the trash, and says how many tasks it was.
pub struct EmptyTrash;

impl Statement for EmptyTrash {
    type Output = usize;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<usize, Failure> {
        change_all(conn, owner, |conn, change| {
            let trashed = tasks::table
                .filter(tasks::owner_id.eq(owner.as_str()))
                .filter(tasks::deleted_at.is_not_null());
            let ended: Vec<DbId> = trashed.select(tasks::id).load(conn)?;
            let count = diesel::delete(trashed).execute(conn)?;
            change.end(conn, TaskRow::NAME, &ended)?;
            Ok(count)
        })
    }
}

/// Moves a live task and all below it to the trash; says how many they were.
pub fn trash(
    conn: &mut DbConnection,
    change: &Change<'_>,
    task: &Task,
    with: ResourceId,
    now: Timestamp,
) -> Result<usize, Failure> {
    let below = tree::below(conn, &task.owner_id, task.id, Place::Live)?;
    let mut count = 0;
    for old in std::iter::once(task).chain(below.iter().flatten()) {
        let mut new = old.changed(now);
        new.trashed = Some(Trashed { at: now, with });
        owned::write(conn, change, old, &new)?;
        count += 1;
    }
    Ok(count)
}

/// Takes a task out of the trash, with those below it that went with the same task or
/// list.
pub fn restore(
    conn: &mut DbConnection,
    change: &Change<'_>,
    task: &Task,
    now: Timestamp,
) -> Result<Task, Failure> {
    let owner = &task.owner_id;
    let together = together(conn, task)?;
    let parent = match task.parent_id {
        Some(parent) => {
            let chain = tree::chain(conn, owner, parent)?;
            // It may have moved down since.
            let has_room = chain.len() + 1 + together.len() <= MAX_LEVELS;
            chain.into_iter().next().filter(|_| has_room)
        }
        None => None,
    };
    let list = match (&parent, task.list_id) {
        (Some(parent), _) => parent.list_id,
        (None, Some(list)) if list_is_live(conn, owner, list)? => Some(list),
        (None, _) => None,
    };
    let siblings = Siblings {
        list,
        parent: parent.map(|parent| parent.id),
    };
    let mut new = task.changed(now);
    new.trashed = None;
    if (new.list_id, new.parent_id) != (siblings.list, siblings.parent) {
        new.position = Some(siblings.end(conn, owner, task.id)?);
        (new.list_id, new.parent_id) = (siblings.list, siblings.parent);
    }
    owned::write(conn, change, task, &new)?;
    for old in together.iter().flatten() {
        let mut back = old.changed(now);
        back.trashed = None;
        back.list_id = new.list_id;
        owned::write(conn, change, old, &back)?;
    }
    Ok(new)
}

/// What is below a task in the trash and went there with the same task or list, level by
/// level.
fn together(conn: &mut DbConnection, task: &Task) -> QueryResult<Vec<Vec<Task>>> {
    let with = |task: &Task| task.trashed.map(|trashed| trashed.with);
    let mut above = HashSet::from([task.id]);
    let mut levels = Vec::new();
    for mut level in tree::below(conn, &task.owner_id, task.id, Place::Trash)? {
        level.retain(|below| {
            let is_below = below
                .parent_id
                .is_some_and(|parent| above.contains(&parent));
            is_below && with(below) == with(task)
        });
        if level.is_empty() {
            break;
        }
        above = level.iter().map(|task| task.id).collect();
        levels.push(level);
    }
    Ok(levels)
}

/// Ends a task and all below it, but for what lies in the trash on its own: that goes to
/// the top level. Says how many have ended.
pub fn end(conn: &mut DbConnection, change: &Change<'_>, task: &Task) -> Result<usize, Failure> {
    let owner = &task.owner_id;
    let below = tree::below(conn, owner, task.id, Place::Anywhere)?;
    let with = task.trashed.map(|trashed| trashed.with);
    let mut ended = vec![task.id];
    owned::delete(conn, change, task)?;
    for old in below.iter().flatten() {
        if !old.parent_id.is_some_and(|parent| ended.contains(&parent)) {
            continue;
        }
        let own = old.trashed.map(|trashed| trashed.with);
        if own.is_none() || own == with {
            owned::delete(conn, change, old)?;
            ended.push(old.id);
        } else {
            let mut alone = old.changed(Timestamp::now());
            alone.parent_id = None;
            owned::write(conn, change, old, &alone)?;
        }
    }
    Ok(ended.len())
}

/// Moves the live tasks of a list to the trash, with the list.
pub fn trash_tasks_of_list(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &OwnerId,
    list: ResourceId,
) -> QueryResult<()> {
    let (list, now) = (DbId(list), change.now().column());
    let (which, with) = (Which::InList(list), Some(list));
    let statement = TrashTasks {
        owner,
        which,
        with,
        now,
    };
    statement.execute(conn).map(drop)
}

/// Takes out of the trash what went there with a list.
pub fn restore_tasks_of_list(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &OwnerId,
    list: ResourceId,
) -> QueryResult<()> {
    let (with, now) = (DbId(list), change.now().column());
    RestoreTasks { owner, with, now }.execute(conn).map(drop)
}

/// Ends the live tasks of a list that ends, and those that went to the trash with it.
/// Those that lie there on their own lose the list.
pub fn end_tasks_of_list(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &OwnerId,
    list: ResourceId,
) -> QueryResult<()> {
    let list = DbId(list);
    let which = Which::InList(list);
    let mut ended: Vec<DbId> = EndTasks { owner, which }.load(conn)?;
    let with = list;
    ended.append(&mut EndTrashed { owner, with }.load(conn)?);
    change.end(conn, TaskRow::NAME, &ended)?;
    leave_parents(conn, change, owner.as_str(), &ended, Some(list))?;
    leave_list(conn, change, owner.as_str(), list)
}

/// Takes what is in the trash on its own, below tasks that have ended, to the top level;
/// out of a list, too, that ends with them, so that it is one change.
pub(super) fn leave_parents(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &str,
    ended: &[DbId],
    list: Option<DbId>,
) -> QueryResult<()> {
    for parents in ended.chunks(500) {
        LeaveEnded {
            owner,
            ended: Ended::Parents(parents, list.as_ref()),
            now: change.now().column(),
        }
        .execute(conn)?;
    }
    Ok(())
}

/// Takes tasks out of a list that has ended.
pub fn leave_list(
    conn: &mut DbConnection,
    change: &Change<'_>,
    owner: &str,
    list: DbId,
) -> QueryResult<()> {
    LeaveEnded {
        owner,
        ended: Ended::List(&list),
        now: change.now().column(),
    }
    .execute(conn)
    .map(drop)
}
