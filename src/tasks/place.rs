//! Where a task is: its list, its parent, and its place among its siblings.
//!
//! Everything here is part of a change, so that what was looked up still holds when the
//! task is written.

use diesel::prelude::*;

use super::model::Task;
use super::siblings::Siblings;
use super::tree::{self, MAX_LEVELS};
use crate::auth::OwnerId;
use crate::db::change::Change;
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::owned;
use crate::db::rejection::Rejection;
use crate::db::schema::lists;
use crate::db::statement::Failure;
use crate::db::table::Place;
use crate::primitives::field_error::FieldError;
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::text::Wrong;
use crate::primitives::timestamp::Timestamp;

// One sentence for what is missing, in the trash, or somebody else's: an id tells
// nothing of other owners.
const NO_LIST: Wrong = "must be null or the id of a list of yours that is not in the trash";
const NO_PARENT: Wrong = "must be null or the id of a task of yours that is not in the trash";
const CYCLE: Wrong = "must not be the task itself or a task below it";
const TOO_DEEP: Wrong = "has too many tasks above it: at most 4 stand in a chain";
const OTHER_LIST: Wrong =
    "contradicts parent_id: a subtask is in the list of its parent; leave list_id out";

/// Where a body puts a task. What is absent stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    pub list: Option<Option<ResourceId>>,
    pub parent: Option<Option<ResourceId>>,
}

/// Reads `list_id`.
pub fn list_id(value: &Value) -> Result<Option<ResourceId>, Wrong> {
    id(value).ok_or(NO_LIST)
}

/// Reads `parent_id`.
pub fn parent_id(value: &Value) -> Result<Option<ResourceId>, Wrong> {
    id(value).ok_or(NO_PARENT)
}

fn id(value: &Value) -> Option<Option<ResourceId>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => ResourceId::parse(text).map(Some),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Target {
    /// Whether a body names a place.
    pub fn is_some(self) -> bool {
        self.list.is_some() || self.parent.is_some()
    }

    /// Whether a task gets the list of a parent that the body names, and no list.
    pub fn takes_list_of_parent(self) -> bool {
        self.list.is_none() && self.parent.flatten().is_some()
    }

    /// The list and the parent that a task gets, and every error that they have.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn resolve(
        self,
        conn: &mut DbConnection,
        task: &Task,
        errors: &mut Vec<FieldError>,
    ) -> QueryResult<Siblings> {
        let owner = &task.owner_id;
        let mut error = |name: &str, why: Wrong| errors.push(FieldError::in_body(name, why));
        let wanted_list = self.list.flatten();
        let has_list = match wanted_list {
            Some(list) => list_is_live(conn, owner, list)?,
            None => true,
        };
        if !has_list {
            error("/list_id", NO_LIST);
        }
        let stays = Siblings {
            list: task.list_id,
            parent: task.parent_id,
        };
        let Some(parent) = self.parent else {
            return Ok(match self.list {
                Some(list) => Siblings { list, parent: None },
                None => stays,
            });
        };
        let Some(parent) = parent else {
            let list = self.list.unwrap_or(task.list_id);
            return Ok(Siblings { list, parent: None });
        };
        let chain = tree::chain(conn, owner, parent)?;
        let Some(found) = chain.first() else {
            error("/parent_id", NO_PARENT);
            return Ok(stays);
        };
        if chain.iter().any(|above| above.id == task.id) {
            error("/parent_id", CYCLE);
        } else if chain.len() + levels_of(conn, task)? > MAX_LEVELS {
            error("/parent_id", TOO_DEEP);
        }
        if has_list && self.list.is_some_and(|list| list != found.list_id) {
            error("/list_id", OTHER_LIST);
        }
        Ok(Siblings {
            list: found.list_id,
            parent: Some(parent),
        })
    }
}

/// Whether the owner has this list, and not in the trash.
pub fn list_is_live(conn: &mut DbConnection, owner: &OwnerId, id: ResourceId) -> QueryResult<bool> {
    let list = lists::table
        .filter(lists::owner_id.eq(owner.as_str()))
        .filter(lists::id.eq(DbId(id)))
        .filter(lists::deleted_at.is_null());
    let found: i64 = list.count().get_result(conn)?;
    Ok(found > 0)
}

/// Puts a new task where its body says, behind all that are there.
///
/// # Errors
///
/// There is no such place.
pub fn place_new(conn: &mut DbConnection, target: Target, task: &mut Task) -> Result<(), Failure> {
    let mut errors = Vec::new();
    // Where the task does not say: at the top level, in the inbox.
    (task.list_id, task.parent_id) = (None, None);
    let siblings = target.resolve(conn, task, &mut errors)?;
    if !errors.is_empty() {
        return Err(Rejection::Invalid(errors).into());
    }
    (task.list_id, task.parent_id) = (siblings.list, siblings.parent);
    Ok(())
}

/// Puts a task, and what is below it, among other siblings, at a position. Says what
/// was written of the task; the caller writes the task itself.
pub fn settle(
    conn: &mut DbConnection,
    change: &Change<'_>,
    task: &mut Task,
    siblings: Siblings,
    position: Option<String>,
    now: Timestamp,
) -> Result<(), Failure> {
    let changes_list = task.list_id != siblings.list;
    (task.list_id, task.parent_id) = (siblings.list, siblings.parent);
    task.position = position;
    if changes_list {
        for level in tree::below(conn, &task.owner_id, task.id, Place::Live)? {
            for old in level {
                let mut new = old.changed(now);
                new.list_id = siblings.list;
                owned::write(conn, change, &old, &new)?;
            }
        }
    }
    Ok(())
}

/// How many levels a task has, with its own.
fn levels_of(conn: &mut DbConnection, task: &Task) -> QueryResult<usize> {
    let below = tree::below(conn, &task.owner_id, task.id, Place::Live)?;
    Ok(1 + below.len())
}
