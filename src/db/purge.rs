//! Ends what has been in the trash for long enough, in the background.
//!
//! A step is one short transaction on some rows of one owner, under the lock of that
//! owner: whoever restores something finds it whole or not at all.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{Text, Timestamp};

use super::change::{Change, begin};
use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::replica_lock::is_alone;
use super::statement::{Pass, Transaction, dynamic_query, in_transaction_or_not};

/// The max number of rows that a step ends: it takes some milliseconds.
const ROWS: &str = "100";

/// The key of the advisory lock that admits one replica at a time: "emptying" in ASCII.
const LOCK: i64 = 0x656d_7074_7969_6e67;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many rows have ended, and there may be more. None have if others were faster.
    Ended(usize),
    /// There are no more.
    Done,
    /// Another replica is at it.
    Busy,
}

/// The rows of a table that a step may end.
#[derive(Debug, Clone, Copy)]
pub struct Expired {
    /// The table.
    pub table: &'static str,
    /// The condition on a row `it` that others do not depend on, or no longer.
    pub condition: &'static str,
    /// What went to the trash before this.
    pub before: NaiveDateTime,
}

/// Ends some expired rows of one owner. `ended` is told which, in the same transaction.
///
/// # Errors
///
/// The database failed, and nothing has ended.
pub fn step(
    conn: &mut DbConnection,
    expired: Expired,
    ended: impl Fn(&mut DbConnection, &Change<'_>, &str, &[DbId]) -> QueryResult<()>,
) -> QueryResult<Step> {
    let owner: Option<String> = OldestOwner(expired).get_result(conn).optional()?;
    let Some(owner) = owner else {
        return Ok(Step::Done);
    };
    let owner = owner.as_str();
    in_transaction_or_not(conn, |conn| {
        if !is_alone(conn, LOCK)? {
            return Ok(Transaction::Rollback(Step::Busy));
        }
        let change = begin(conn, owner)?;
        let ids: Vec<DbId> = OldestOf { expired, owner }.load(conn)?;
        let ids: Vec<DbId> = EndRows {
            table: expired.table,
            owner,
            ids: &ids,
        }
        .load(conn)?;
        if ids.is_empty() {
            return Ok(Transaction::Rollback(Step::Ended(0)));
        }
        change.end(conn, expired.table, &ids)?;
        ended(conn, &change, owner, &ids)?;
        Ok(Transaction::Commit(Step::Ended(ids.len())))
    })
}

/// SELECT: the owner of what has been in the trash for longest, of all owners.
struct OldestOwner(Expired);

/// SELECT: the ids of what one owner has had there for longest.
struct OldestOf<'a> {
    expired: Expired,
    owner: &'a str,
}

/// DELETE: these rows, and yields their ids. Of one statement with the SELECT, PostgreSQL may run the SELECT
/// for each row.
struct EndRows<'a> {
    table: &'static str,
    owner: &'a str,
    ids: &'a [DbId],
}

impl Query for OldestOwner {
    type SqlType = Text;
}

impl Query for OldestOf<'_> {
    type SqlType = Id;
}

impl Query for EndRows<'_> {
    type SqlType = Id;
}

dynamic_query!([] OldestOwner, [] OldestOf<'_>, [] EndRows<'_>);

impl Expired {
    fn push_where<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(" FROM ");
        out.push_sql(self.table);
        out.push_sql(" it WHERE it.deleted_at < ");
        out.push_bind_param::<Timestamp, _>(&self.before)?;
        out.push_sql(self.condition);
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for OldestOwner {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT it.owner_id");
        self.0.push_where(&mut out)?;
        out.push_sql(" ORDER BY it.deleted_at LIMIT 1");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for OldestOf<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT it.id");
        self.expired.push_where(&mut out)?;
        out.push_sql(" AND it.owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(" ORDER BY it.deleted_at LIMIT ");
        out.push_sql(ROWS);
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for EndRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("DELETE FROM ");
        out.push_sql(self.table);
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        for (at, id) in self.ids.iter().enumerate() {
            out.push_sql(if at == 0 { " AND id IN (" } else { ", " });
            out.push_bind_param::<Id, _>(id)?;
        }
        out.push_sql(if self.ids.is_empty() {
            " AND 1 = 0"
        } else {
            ")"
        });
        out.push_sql(" RETURNING id");
        Ok(())
    }
}
