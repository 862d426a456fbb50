//! The statements on whole accounts: on the tables of all resources.

use std::fmt;

use crate::auth::OwnerId;
use crate::db::any_table::AnyTable;
use crate::db::bridge::LongWrite;
use crate::db::connection::DbConnection;
use crate::db::erase;
use crate::db::quota::count;
use crate::db::reassign::reassign;
use crate::db::statement::{Access, Failure, Statement, without_time_limit};
use crate::http::app_state::Quotas;
use crate::resources::tables;

/// How many rows of each table, in the order of [`tables`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Default for Counts {
    /// None of any.
    fn default() -> Self {
        Self(tables().map(|_| 0).collect())
    }
}

impl Counts {
    fn of<N>(counts: Vec<N>) -> Self
    where
        u64: TryFrom<N>,
    {
        let counts = counts.into_iter();
        Self(counts.map(|n| u64::try_from(n).unwrap_or(0)).collect())
    }

    /// The name of each table, and how many rows.
    pub fn by_table(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = tables().map(|table| table.name);
        names.zip(self.0.iter().copied())
    }

    /// Of all tables together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what a step has deleted.
    pub fn add(&mut self, other: &Self) {
        for (all, more) in self.0.iter_mut().zip(&other.0) {
            *all += more;
        }
    }
}

impl fmt::Display for Counts {
    /// `41 tasks and 3 lists`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self
            .by_table()
            .map(|(name, count)| format!("{count} {name}"));
        f.write_str(&texts.collect::<Vec<_>>().join(" and "))
    }
}

/// Counts what an owner has, the trash included.
pub(super) struct CountAll;

impl Statement for CountAll {
    type Output = Counts;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Counts, Failure> {
        let mut counts = Vec::new();
        for table in tables() {
            counts.push(count(conn, table.name, owner.as_str())?);
        }
        Ok(Counts::of(counts))
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
        let given = reassign(conn, from, to, &all_tables(), |conn, more| {
            for (table, more) in tables().zip(more) {
                let quotas = self.quotas.all().into_iter();
                for quota in quotas.filter(|quota| quota.is_of(table.name)) {
                    quota.check(conn, owner, *more)?;
                }
            }
            Ok(())
        })?;
        Ok(Counts::of(given))
    }
}

/// Gives everything of one owner to another one, for an operator: without a quota, and
/// however long it takes.
///
/// # Errors
///
/// The database failed, and nothing was given.
pub fn give_all(conn: &mut DbConnection, from: &str, to: &str) -> Result<Counts, Failure> {
    let given = reassign(conn, from, to, &all_tables(), |conn, _| {
        Ok(without_time_limit(conn)?)
    })?;
    Ok(Counts::of(given))
}

/// Erases some rows of an owner's, and says which and whether they were the last.
///
/// # Errors
///
/// The database failed, and the step has erased nothing.
pub fn erase_some(conn: &mut DbConnection, owner: &str) -> diesel::QueryResult<(Counts, bool)> {
    let names: Vec<_> = tables().map(|table| table.name).collect();
    let step = erase::step(conn, owner, &names)?;
    Ok((Counts::of(step.deleted), step.is_last))
}

fn all_tables() -> Vec<&'static AnyTable> {
    tables().collect()
}
