//! What an owner has already: the ids, and where they are. No texts.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;

use super::identity::Candidates;
use crate::auth::OwnerId;
use crate::db::change::ended;
use crate::db::connection::DbConnection;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::Table as _;
use crate::lists;
use crate::lists::model::ListRow;
use crate::primitives::id::{ResourceId, Tail};
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks;
use crate::tasks::model::TaskRow;
use crate::tasks::outline::Outline;
use crate::tasks::siblings::Siblings;

/// What an owner has.
pub struct Snapshot {
    /// When it was read.
    pub at: Timestamp,
    pub lists: Known<lists::outline::Outline>,
    pub tasks: Known<Outline>,
    /// The position of the last live list.
    pub last_list: Option<String>,
    /// The position of the last live task among its siblings.
    pub last_tasks: HashMap<Siblings, String>,
}

/// The rows of a table, and the ids that have ended.
pub struct Known<R> {
    pub rows: HashMap<ResourceId, R>,
    by_tail: HashMap<Tail, ResourceId>,
    ended: HashSet<ResourceId>,
}

impl<R> Known<R> {
    fn read(conn: &mut DbConnection, owner: &OwnerId, table: &str) -> QueryResult<Self> {
        let ended = ended(conn, owner, table)?;
        Ok(Self {
            rows: HashMap::new(),
            by_tail: HashMap::new(),
            ended: ended.into_iter().map(|id| id.0).collect(),
        })
    }

    fn add(&mut self, id: ResourceId, row: R) {
        self.by_tail.insert(id.tail(), id);
        self.rows.insert(id, row);
    }

    /// The row that an item is, if it is there.
    pub fn find(&self, candidates: &Candidates) -> Option<ResourceId> {
        let own = candidates.id().filter(|id| self.rows.contains_key(id));
        own.or_else(|| {
            let mut tails = candidates.tails();
            tails.find_map(|tail| self.by_tail.get(&tail).copied())
        })
    }

    /// Whether a row is known by this.
    pub fn has_tail(&self, tail: &Tail) -> bool {
        self.by_tail.contains_key(tail)
    }

    /// Whether a row with this id was there, and ended.
    pub fn has_ended(&self, id: ResourceId) -> bool {
        self.ended.contains(&id)
    }
}

/// Reads what the owner has.
///
/// # Errors
///
/// The database failed.
pub fn read(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<Snapshot> {
    let at = Timestamp::now();
    let mut known = Snapshot {
        at,
        lists: Known::read(conn, owner, ListRow::NAME)?,
        tasks: Known::read(conn, owner, TaskRow::NAME)?,
        last_list: None,
        last_tasks: HashMap::new(),
    };
    for row in lists::outline::all(conn, owner)? {
        if !row.is_trashed {
            let position = row.position.clone();
            let position = position.unwrap_or_else(|| position::of_id(row.id));
            known.last_list = known.last_list.max(Some(position));
        }
        known.lists.add(row.id, row);
    }
    let Snapshot {
        tasks, last_tasks, ..
    } = &mut known;
    tasks::outline::all(conn, owner, |row, position| {
        if !row.is_trashed {
            let siblings = Siblings {
                list: row.list,
                parent: row.parent,
            };
            let position = position.unwrap_or_else(|| position::of_id(row.id));
            let last = last_tasks.entry(siblings).or_default();
            if *last < position {
                *last = position;
            }
        }
        tasks.add(row.id, row);
    })?;
    Ok(known)
}

/// Reads what the owner has, for a request.
pub struct ReadSnapshot;

impl Statement for ReadSnapshot {
    type Output = Snapshot;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Snapshot, Failure> {
        Ok(read(conn, owner)?)
    }
}
