//! Writes what was planned, in one transaction.
//!
//! While it was planned others may have written. So what the plan depends on is looked at
//! again under the owner's lock; if it is not as it was, nothing is written, and the import
//! is planned anew.

use std::collections::HashSet;
use std::ops::Range;

use chrono::TimeDelta;
use diesel::QueryResult;

use super::super::aside::Pauses;
use super::plan::{Counts, Plan};
use crate::auth::OwnerId;
use crate::db::change::ended_since;
use crate::db::connection::DbConnection;
use crate::db::id::DbId;
use crate::db::new_rows::{Prepared, insert_missing};
use crate::db::owned::Owned;
use crate::db::quota::Quota;
use crate::db::rejection::Rejection;
use crate::db::statement::{Access, Failure, Statement, Transaction};
use crate::db::table::Table as _;
use crate::lists;
use crate::lists::model::ListRow;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;
use crate::tasks;
use crate::tasks::model::TaskRow;

/// The number of rows of a statement, which is kept prepared: each is a round trip, and
/// preparing a larger one would take longer than running it.
const ROWS: usize = 20;

/// The max size of the texts of one statement, in bytes, if it has more than one row.
const BYTES: usize = 1024 * 1024;

/// For how long an import can have been under way, in minutes, on whatever replica: a minute,
/// and the clocks may differ.
const UNDER_WAY: i64 = 10;

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// All of it is written.
    All,
    /// The owner would have too many rows.
    Refused(Rejection),
    /// Others have written meanwhile: it must be planned anew.
    Stale,
    /// Nobody waits for it any more.
    Unwanted,
}

/// How many rows an owner may have.
#[derive(Clone)]
pub struct Limits {
    pub tasks: Quota,
    pub lists: Quota,
}

impl Limits {
    /// As many as one likes.
    pub fn none() -> Self {
        Self {
            tasks: Quota::new(TaskRow::NAME, 0),
            lists: Quota::new(ListRow::NAME, 0),
        }
    }

    fn check(
        &self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        created: Counts,
    ) -> Result<(), Failure> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.lists.check(conn, owner, number(created.lists))?;
        self.tasks.check(conn, owner, number(created.tasks))
    }
}

/// Checks that the owner may have so many rows more, and writes none.
pub struct MayCreate(pub Limits, pub Counts);

impl Statement for MayCreate {
    type Output = ();
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        self.0.check(conn, owner, self.1)
    }
}

/// Writes a plan, under the owner's lock. `goes_on` is told how many rows are written, and
/// says whether to go on.
///
/// # Errors
///
/// The database failed.
pub fn write(
    conn: &mut DbConnection,
    owner: &OwnerId,
    plan: &Plan,
    limits: &Limits,
    mut goes_on: impl FnMut(usize) -> bool,
) -> QueryResult<Transaction<Written>> {
    if !goes_on(0) {
        return Ok(Transaction::Rollback(Written::Unwanted));
    }
    if is_stale(conn, owner, plan)? {
        return Ok(Transaction::Rollback(Written::Stale));
    }
    match limits.check(conn, owner, plan.created()) {
        Ok(()) => {}
        Err(Failure::Database(error)) => return Err(error),
        Err(Failure::Rejected(rejection)) => {
            return Ok(Transaction::Rollback(Written::Refused(rejection)));
        }
    }
    let mut inserts = Inserts {
        pauses: conn.is_postgres().then(Pauses::begin),
        conn,
        goes_on: &mut goes_on,
        written: 0,
    };
    let mut end = inserts.all(&plan.lists)?;
    if end == Written::All {
        end = inserts.all(&plan.tasks)?;
    }
    Ok(match end {
        Written::All => Transaction::Commit(end),
        Written::Refused(_) | Written::Stale | Written::Unwanted => Transaction::Rollback(end),
    })
}

struct Inserts<'a> {
    conn: &'a mut DbConnection,
    goes_on: &'a mut dyn FnMut(usize) -> bool,
    written: usize,
    /// On SQLite others wait for the end.
    pauses: Option<Pauses>,
}

impl Inserts<'_> {
    fn all<M: Owned>(&mut self, rows: &[Prepared<M>]) -> QueryResult<Written> {
        for chunk in chunks(rows) {
            let chunk = rows.get(chunk).unwrap_or_default();
            let is_kept = chunk.len() == ROWS;
            // A row with such an id that is there was made meanwhile.
            if insert_missing(self.conn, chunk, is_kept)? != chunk.len() {
                return Ok(Written::Stale);
            }
            self.written += chunk.len();
            if let Some(pauses) = &mut self.pauses {
                pauses.pause();
            }
            if !(self.goes_on)(self.written) {
                return Ok(Written::Unwanted);
            }
        }
        Ok(Written::All)
    }
}

/// Rows of one statement each.
fn chunks<M: Owned>(rows: &[Prepared<M>]) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        let size = row.size();
        if at > begin && (at - begin == ROWS || bytes + size > BYTES) {
            chunks.push(begin..at);
            (begin, bytes) = (at, 0);
        }
        bytes += size;
    }
    if begin < rows.len() {
        chunks.push(begin..rows.len());
    }
    chunks
}

/// Whether something that the plan depends on has changed since, or some of its items are
/// there now.
fn is_stale(conn: &mut DbConnection, owner: &OwnerId, plan: &Plan) -> QueryResult<bool> {
    let begun = plan.read_at.utc() - TimeDelta::minutes(UNDER_WAY);
    let begun = Timestamp::new(begun);
    if has_ended(conn, owner, &plan.lists, begun)? || has_ended(conn, owner, &plan.tasks, begun)? {
        return Ok(true);
    }
    let recent = ResourceId::first_at(begun);
    let recent = tasks::outline::ids_from(conn, owner, recent)?;
    if recent.iter().any(|id| plan.tails.contains(&id.0.tail())) {
        return Ok(true);
    }
    let lists = lists::outline::all(conn, owner)?;
    if lists
        .iter()
        .any(|list| plan.tails.contains(&list.id.tail()))
    {
        return Ok(true);
    }
    let wanted = &plan.depends_on;
    let there = lists.iter().filter(|list| wanted.lists.contains(&list.id));
    let live = lists.iter().filter(|list| !list.is_trashed);
    let live = live.filter(|list| wanted.live_lists.contains(&list.id));
    if there.count() < wanted.lists.len() || live.count() < wanted.live_lists.len() {
        return Ok(true);
    }
    let ids = wanted.tasks.iter().map(|row| DbId(row.id));
    let ids: Vec<DbId> = ids.collect();
    Ok(tasks::outline::some(conn, owner, &ids)? != wanted.tasks)
}

/// Whether a new row would have an id that has ended since: the ids that had ended were read
/// before the rows, and an adoption may have brought a row that has ended meanwhile.
fn has_ended<M: Owned>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    new: &[Prepared<M>],
    since: Timestamp,
) -> QueryResult<bool> {
    let ended = ended_since(conn, owner, M::Row::NAME, since)?;
    let ended: HashSet<DbId> = ended.into_iter().collect();
    Ok(!ended.is_empty() && new.iter().any(|new| ended.contains(&new.row().id())))
}
