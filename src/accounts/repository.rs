//! The statements on whole accounts. Which tables there are is said here, and nowhere else.

use crate::auth::OwnerId;
use crate::db::bridge::LongWrite;
use crate::db::connection::DbConnection;
use crate::db::erase;
use crate::db::quota::count;
use crate::db::reassign::{References, reassign};
use crate::db::statement::{Access, Failure, Statement, without_time_limit};
use crate::db::table::Table as _;
use crate::http::app_state::Quotas;
use crate::lists::model::ListRow;
use crate::tasks::model::TaskRow;

/// Both tables, and where their ids stand. `deleted_with` has one of either.
const TABLES: [References; 2] = [
    References {
        table: TaskRow::NAME,
        columns: &[
            ("tasks", "parent_id"),
            ("tasks", "next_id"),
            ("tasks", "deleted_with"),
            ("idempotency_keys", "task_id"),
        ],
    },
    References {
        table: ListRow::NAME,
        columns: &[
            ("tasks", "list_id"),
            ("tasks", "deleted_with"),
            ("idempotency_keys", "task_id"),
            ("idempotency_keys", "list_id"),
        ],
    },
];

/// How many rows of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub tasks: u64,
    pub lists: u64,
}

impl Counts {
    fn of<N: Copy>(counts: &[N]) -> Self
    where
        u64: TryFrom<N>,
    {
        let at = |at| counts.get(at).copied().and_then(|n| u64::try_from(n).ok());
        Self {
            tasks: at(0).unwrap_or(0),
            lists: at(1).unwrap_or(0),
        }
    }

    /// Adds what a step has deleted.
    pub fn add(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.lists += other.lists;
    }
}

/// Counts what an owner has, the trash included.
pub(super) struct CountAll;

impl Statement for CountAll {
    type Output = Counts;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Counts, Failure> {
        let mut counts = Vec::new();
        for References { table, .. } in &TABLES {
            counts.push(count(conn, table, owner.as_str())?);
        }
        Ok(Counts::of(&counts))
    }
}

/// Gives the owner everything that another one has.
pub(super) struct AdoptAll {
    pub other: OwnerId,
    pub quotas: Quotas,
    /// Until the transaction has ended, whether its client waits or not.
    pub _long_write: LongWrite,
}

impl Statement for AdoptAll {
    type Output = Counts;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Counts, Failure> {
        let (from, to) = (self.other.as_str(), owner.as_str());
        let given = reassign(conn, from, to, &TABLES, |conn, more| {
            let quotas = [&self.quotas.tasks, &self.quotas.lists];
            for (quota, more) in quotas.into_iter().zip(more) {
                quota.check(conn, owner, *more)?;
            }
            Ok(())
        })?;
        Ok(Counts::of(&given))
    }
}

/// Gives everything of one owner to another one, for an operator: without a quota, and
/// however long it takes.
///
/// # Errors
///
/// The database failed, and nothing was given.
pub fn give_all(conn: &mut DbConnection, from: &str, to: &str) -> Result<Counts, Failure> {
    let given = reassign(conn, from, to, &TABLES, |conn, _| {
        Ok(without_time_limit(conn)?)
    })?;
    Ok(Counts::of(&given))
}

/// Erases some rows of an owner's, and says which and whether they were the last.
///
/// # Errors
///
/// The database failed, and the step has erased nothing.
pub fn erase_some(conn: &mut DbConnection, owner: &str) -> diesel::QueryResult<(Counts, bool)> {
    let tables = TABLES.map(|References { table, .. }| table);
    let step = erase::step(conn, owner, &tables)?;
    Ok((Counts::of(&step.deleted), step.is_last))
}
