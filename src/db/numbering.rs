//! The numbers of an owner's changes, for `GET /changes`.
//!
//! Whoever writes a row marks it: its `change` becomes 0, in the same statement. Whoever
//! wants to read what has changed gives all marked rows of the owner the next number. So a
//! write costs nothing more, waits for nobody, and an owner whom nobody follows has no
//! numbers at all.
//!
//! Invariant: nothing is skipped. A row is marked in the transaction that writes it, so it
//! is seen with its mark as soon as it is seen at all, however late that commits. Numbers
//! are given one after the other, under a lock of the owner's row, and only to what is
//! committed: whoever has read up to a number has missed nothing below it. What is
//! written again gets a later number.

use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamp as Instant};
use uuid::Uuid;

use super::assembled::has_rows;
use super::connection::{DbConnection, MultiBackend};
use super::epoch;
use super::schema::epochs;
use super::statement::{Pass, Transaction, dynamic_query, in_transaction_or_not};
use crate::primitives::timestamp::Timestamp;

/// The table of what has ended.
pub const GONE: &str = "gone";

/// Whether rows of these tables are marked, or ended ones are.
pub fn has_unnumbered(
    conn: &mut DbConnection,
    owner: &str,
    tables: &[&'static str],
) -> QueryResult<bool> {
    let found: Option<i32> = Unnumbered { owner, tables }.get_result(conn).optional()?;
    Ok(found.is_some())
}

/// Gives all marked rows of the owner's in these tables the next number, and those that
/// have ended. If there are none nothing is written, unless the owner is followed from now
/// on: then a number is left out, so that the epoch of this process is noted. An owner who
/// has nothing is not written down because somebody reads: who was erased would be again.
///
/// # Errors
///
/// The database failed, and nothing has a number.
pub fn number(
    conn: &mut DbConnection,
    owner: &str,
    tables: &[&'static str],
    begins: bool,
) -> QueryResult<()> {
    in_transaction_or_not(conn, |conn| {
        let (number, is_new) = next(conn, owner)?;
        let mut count = 0;
        for table in tables.iter().copied().chain([GONE]) {
            let give = GiveNumber {
                table,
                owner,
                number,
            };
            count += give.execute(conn)?;
        }
        // Others may have begun to follow the same owner at the same moment.
        let begins = begins
            && count == 0
            && (!is_new || has_rows(conn, owner, tables.iter().copied())?)
            && !is_followed(conn, owner, number)?;
        Ok(match count > 0 || begins {
            true => Transaction::Commit(()),
            false => Transaction::Rollback(()),
        })
    })
}

/// Whether an epoch was noted before this number.
fn is_followed(conn: &mut DbConnection, owner: &str, number: i64) -> QueryResult<bool> {
    let earlier = epochs::table
        .filter(epochs::owner_id.eq(owner))
        .filter(epochs::after_change.lt(number - 1));
    diesel::select(exists(earlier)).get_result(conn)
}

/// Where the numbers of an owner begin: somewhere. An owner who was erased, or whose rows
/// another one has adopted, begins anew, in the same epoch maybe. No number that was given
/// before lies among those that are given then, so no cursor from before holds.
pub(super) fn first_number() -> i64 {
    // Below 2^62: the numbers that follow never overflow. Above 2^32: 0 is no number.
    let random = Uuid::new_v4().as_u128() as i64 & ((1 << 62) - 1);
    random | 1 << 32
}

/// In whose row the number stands that the cursors of owners have who have nothing, and so no
/// row: no token has an empty subject. Nothing of an owner remains that could tell one who never
/// had anything from one who was erased, so these cursors end whenever any owner does.
pub const NOBODY: &str = "";

/// Ends all cursors of owners who have nothing.
pub(super) fn reset_who_has_nothing(conn: &mut DbConnection) -> QueryResult<()> {
    let number = first_number();
    diesel::sql_query(format!(
        "INSERT INTO owners (owner_id, last_change) VALUES ('{NOBODY}', {number}) \
         ON CONFLICT (owner_id) DO UPDATE SET last_change = excluded.last_change"
    ))
    .execute(conn)
    .map(drop)
}

/// Locks the owner's row and takes the next number, and says whether there was no row.
fn next(conn: &mut DbConnection, owner: &str) -> QueryResult<(i64, bool)> {
    let epoch = epoch::current();
    // Stepped to its end: SQLite finishes a statement only then.
    let first = first_number();
    let numbered: Vec<(i64, Option<i64>)> = NextNumber {
        owner,
        first,
        epoch,
    }
    .load(conn)?;
    let numbered = numbered.into_iter().next();
    let (number, earlier_epoch) = numbered.ok_or(diesel::result::Error::NotFound)?;
    if earlier_epoch != Some(epoch) {
        NoteEpoch {
            owner,
            epoch,
            after_change: number - 1,
            now: Timestamp::now().column(),
        }
        .execute(conn)?;
    }
    Ok((number, number == first))
}

/// SELECT: a row if there is something without a number.
struct Unnumbered<'a> {
    owner: &'a str,
    tables: &'a [&'static str],
}

/// UPDATE: the number of what is marked.
struct GiveNumber<'a> {
    table: &'static str,
    owner: &'a str,
    number: i64,
}

/// INSERT or UPDATE: locks the owner's row, and yields its number and its epoch before.
struct NextNumber<'a> {
    owner: &'a str,
    /// If the owner has no row.
    first: i64,
    epoch: i64,
}

/// INSERT: the first change of an epoch, unless it was noted before.
struct NoteEpoch<'a> {
    owner: &'a str,
    epoch: i64,
    after_change: i64,
    now: NaiveDateTime,
}

impl Query for Unnumbered<'_> {
    type SqlType = Integer;
}

impl Query for NextNumber<'_> {
    type SqlType = (BigInt, Nullable<BigInt>);
}

dynamic_query!(
    [] Unnumbered<'_>,
    [] GiveNumber<'_>,
    [] NextNumber<'_>,
    [] NoteEpoch<'_>,
);

impl QueryFragment<MultiBackend> for Unnumbered<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let tables = self.tables.iter().copied().chain([GONE]);
        for (at, table) in tables.enumerate() {
            out.push_sql(if at == 0 {
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM "
            } else {
                ") OR EXISTS (SELECT 1 FROM "
            });
            out.push_sql(table);
            out.push_sql(" WHERE owner_id = ");
            out.push_bind_param::<Text, _>(self.owner)?;
            out.push_sql(" AND change = 0");
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for GiveNumber<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_sql(self.table);
        out.push_sql(" SET change = ");
        out.push_bind_param::<BigInt, _>(&self.number)?;
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(" AND change = 0");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for NextNumber<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO owners (owner_id, last_change, epoch) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.first)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.epoch)?;
        out.push_sql(
            ") ON CONFLICT (owner_id) DO UPDATE SET last_change = owners.last_change + 1, \
             earlier_epoch = owners.epoch, epoch = excluded.epoch \
             RETURNING last_change, earlier_epoch",
        );
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for NoteEpoch<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO epochs (owner_id, epoch, after_change, noted_at) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.epoch)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.after_change)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, _>(&self.now)?;
        out.push_sql(") ON CONFLICT (owner_id, epoch) DO NOTHING");
        Ok(())
    }
}
