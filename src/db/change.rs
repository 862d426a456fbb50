//! Changes of an owner's rows that depend on each other: one at a time.
//!
//! A change that is one statement on one row needs none of this. Every row that is
//! written is marked, and gets the number of its change later: see [`super::numbering`].

use std::cell::Cell;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Text, Timestamp as Instant};

use super::connection::{DbConnection, MultiBackend};
use super::error::{Effect, RunError};
use super::id::{DbId, Id};
use super::numbering::first_number;
use super::schema::gone;
use super::statement::{Failure, Pass, Transaction, dynamic_query, in_transaction_or_not};
use crate::auth::OwnerId;
use crate::primitives::timestamp::Timestamp;

/// The max number of ids in one statement.
const CHUNK: usize = 500;

/// A change of one owner's rows, under way, in a transaction.
///
/// While it exists, whoever else begins one for the same owner waits. So a list, a
/// parent or a chain of parents that was checked is still as it was when the row that
/// depends on it is written.
pub struct Change<'a> {
    owner: &'a str,
    now: Timestamp,
}

impl Change<'_> {
    /// The time of the change.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a row of the owner's with this id has ended, and is remembered.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn has_ended(&self, conn: &mut DbConnection, table: &str, id: DbId) -> QueryResult<bool> {
        let ended = gone::table.find((self.owner, table, id));
        diesel::select(diesel::dsl::exists(ended)).get_result(conn)
    }

    /// Notes that rows of a table have ended.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn end(
        &self,
        conn: &mut DbConnection,
        table: &'static str,
        ids: &[DbId],
    ) -> QueryResult<()> {
        for ids in ids.chunks(CHUNK) {
            let end = NoteEnd {
                owner: self.owner,
                table,
                ids,
                now: self.now.column(),
            };
            end.execute(conn)?;
        }
        Ok(())
    }
}

/// The ids of a table whose rows have ended, as far as they are remembered.
///
/// # Errors
///
/// The database failed.
pub fn ended(conn: &mut DbConnection, owner: &OwnerId, table: &str) -> QueryResult<Vec<DbId>> {
    gone::table
        .filter(gone::owner_id.eq(owner.as_str()))
        .filter(gone::kind.eq(table))
        .select(gone::id)
        .load(conn)
}

/// Those of them that have ended since a time.
///
/// # Errors
///
/// The database failed.
pub fn ended_since(
    conn: &mut DbConnection,
    owner: &OwnerId,
    table: &str,
    since: Timestamp,
) -> QueryResult<Vec<DbId>> {
    gone::table
        .filter(gone::owner_id.eq(owner.as_str()))
        .filter(gone::kind.eq(table))
        .filter(gone::gone_at.ge(since.column()))
        .select(gone::id)
        .load(conn)
}

/// Runs a change of the owner's rows as one transaction. Inside of [`as_one_change`] it is
/// a part of that one.
///
/// # Errors
///
/// The database failed, or `run` did.
pub fn change_rows<T>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection, &Change<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    change_or_not(conn, owner, |conn, change| {
        run(conn, change).map(Transaction::Commit)
    })
}

/// Runs a change of the owner's rows like [`change_rows`], and says how many rows it has
/// changed. If there were none, nothing remains of it: an owner who was erased is not
/// written down again by another device that empties the trash.
///
/// # Errors
///
/// The database failed, or `run` did.
pub fn change_all(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection, &Change<'_>) -> Result<usize, Failure>,
) -> Result<usize, Failure> {
    change_or_not(conn, owner, |conn, change| {
        Ok(match run(conn, change)? {
            0 => Transaction::Rollback(0),
            count => Transaction::Commit(count),
        })
    })
}

fn change_or_not<T>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection, &Change<'_>) -> Result<Transaction<T>, Failure>,
) -> Result<T, Failure> {
    let owner = owner.as_str();
    if let Some(now) = UNDER_WAY.get() {
        // The whole commits or not.
        let (Transaction::Commit(value) | Transaction::Rollback(value)) =
            run(conn, &Change { owner, now })?;
        return Ok(value);
    }
    in_transaction_or_not(conn, |conn| {
        let change = begin(conn, owner)?;
        run(conn, &change)
    })
}

thread_local! {
    /// When the change began that this thread makes with several statements: each of them
    /// is a part of it. A thread has one connection at a time.
    static UNDER_WAY: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Ends what is under way when dropped, after a panic, too.
struct EndOfChange;

impl Drop for EndOfChange {
    fn drop(&mut self) {
        UNDER_WAY.set(None);
    }
}

/// Runs several statements of one owner as one change, in one transaction. The first of
/// them finds the owner's row locked.
///
/// # Errors
///
/// The database failed, or `run` did.
pub fn as_one_change<T>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection) -> QueryResult<Transaction<T>>,
) -> Result<T, RunError> {
    let mut commits = false;
    let result = in_transaction_or_not(conn, |conn| {
        let change = begin(conn, owner.as_str())?;
        let _end = EndOfChange;
        UNDER_WAY.set(Some(change.now));
        let end = run(conn)?;
        commits = matches!(end, Transaction::Commit(_));
        Ok(end)
    });
    result.map_err(|error| RunError {
        error,
        effect: match commits {
            false => Effect::None,
            // Ids are drawn anew when it is repeated, so what was written after all would
            // stand twice: a server that distributes tables can report 08007.
            true if conn.is_postgres() => Effect::Unknown,
            true => Effect::ByError,
        },
    })
}

/// Locks the owner's row, in a transaction and before anything is read. A background job
/// has found the owner in a row, and not in a token.
pub(super) fn begin<'a>(conn: &mut DbConnection, owner: &'a str) -> QueryResult<Change<'a>> {
    let first = first_number();
    LockOwner { owner, first }.execute(conn)?;
    let now = Timestamp::now();
    Ok(Change { owner, now })
}

struct LockOwner<'a> {
    owner: &'a str,
    /// If the owner has no row.
    first: i64,
}

/// INSERT: what has ended. An id that came back, and ended again, is noted anew.
struct NoteEnd<'a> {
    owner: &'a str,
    table: &'static str,
    ids: &'a [DbId],
    now: NaiveDateTime,
}

dynamic_query!([] LockOwner<'_>, [] NoteEnd<'_>);

impl QueryFragment<MultiBackend> for LockOwner<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO owners (owner_id, last_change) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.first)?;
        out.push_sql(") ON CONFLICT (owner_id) DO UPDATE SET last_change = owners.last_change");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for NoteEnd<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if self.ids.len() > 1 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("INSERT INTO gone (owner_id, kind, id, change, gone_at) VALUES ");
        for (at, id) in self.ids.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, _>(self.owner)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(self.table)?;
            out.push_sql(", ");
            out.push_bind_param::<Id, _>(id)?;
            out.push_sql(", 0, ");
            out.push_bind_param::<Instant, _>(&self.now)?;
            out.push_sql(")");
        }
        out.push_sql(
            " ON CONFLICT (owner_id, kind, id) DO UPDATE \
             SET change = excluded.change, gone_at = excluded.gone_at",
        );
        Ok(())
    }
}
