//! Gives everything of one owner to another one, in one transaction.
//!
//! Invariants: all of it or nothing. Both owners are locked, in the order of their names,
//! so that two who give to each other do not wait for each other for ever. A row of the one
//! that is written meanwhile is given as it was written, or stays.

use diesel::prelude::*;

use super::any_table::AnyTable;
use super::assembled::{
    Part::{self, Id, Sql},
    assemble,
};
use super::change::begin;
use super::connection::DbConnection;
use super::erase::{delete_rest, has_anything, is_under_way};
use super::id::{self, DbId};
use super::quota::count;
use super::statement::{Failure, Transaction, in_transaction_or_not};

/// The max number of ids in one statement.
const CHUNK: usize = 500;

/// Contains the id of what was made with the key, whichever table it is in.
const MADE: (&str, &str) = ("idempotency_keys", "task_id");

/// Gives all rows of `from` in these tables to `to`, and says how many of each. `check` is
/// told how many they are, and can refuse.
///
/// An id that both have is given anew. The rows are marked as changed, so that whoever
/// follows `to` sees them; the changes of `from` end, and its cursors with them. Of two
/// equal idempotency keys that of `to` stays.
///
/// # Errors
///
/// `check` refused or the database failed, and nothing was given.
pub fn reassign(
    conn: &mut DbConnection,
    from: &str,
    to: &str,
    tables: &[&AnyTable],
    check: impl FnOnce(&mut DbConnection, &[i64]) -> Result<(), Failure>,
) -> Result<Vec<usize>, Failure> {
    let nothing = || vec![0; tables.len()];
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    if from == to || !has_anything(conn, from, &names)? {
        return Ok(nothing());
    }
    in_transaction_or_not(conn, |conn| {
        begin(conn, from.min(to))?;
        begin(conn, from.max(to))?;
        // What is being erased does not come back under another name.
        if is_under_way(conn, from)? {
            return Ok(Transaction::Rollback(nothing()));
        }
        let mut counts = Vec::new();
        for table in &names {
            counts.push(count(conn, table, from)?);
        }
        check(conn, &counts)?;
        for table in &names {
            give_new_ids(conn, from, to, table, tables)?;
        }
        let mut given = Vec::new();
        for table in &names {
            come_back(conn, from, to, table)?;
            let give = vec![
                Sql("UPDATE "),
                Sql(table),
                Sql(" SET change = 0, owner_id = "),
                Part::Text(to),
                Sql(" WHERE owner_id = "),
                Part::Text(from),
            ];
            given.push(assemble::<()>(give).execute(conn)?);
        }
        give_keys(conn, from, to)?;
        let gone = Sql("DELETE FROM gone WHERE owner_id = ");
        assemble::<()>(vec![gone, Part::Text(from)]).execute(conn)?;
        delete_rest(conn, from)?;
        Ok(Transaction::Commit(given))
    })
}

/// Gives the rows of `from` in a table new ids where `to` has the same ones.
fn give_new_ids(
    conn: &mut DbConnection,
    from: &str,
    to: &str,
    table: &str,
    tables: &[&AnyTable],
) -> QueryResult<()> {
    let both = vec![
        Sql("SELECT it.id FROM "),
        Sql(table),
        Sql(" it WHERE it.owner_id = "),
        Part::Text(from),
        Sql(" AND EXISTS (SELECT 1 FROM "),
        Sql(table),
        Sql(" other WHERE other.owner_id = "),
        Part::Text(to),
        Sql(" AND other.id = it.id)"),
    ];
    let both: Vec<DbId> = assemble::<id::Id>(both).load(conn)?;
    let references = tables.iter().flat_map(|any| any.references);
    let references = references.filter(|reference| reference.to == table);
    let places = references.map(|reference| (reference.table, reference.column));
    let places = [(table, "id"), MADE].into_iter().chain(places);
    let new_ids: Vec<(DbId, DbId)> = both.iter().map(|old| (*old, DbId(old.0.anew()))).collect();
    for (table, column) in places {
        for chunk in new_ids.chunks(CHUNK) {
            let mut put = vec![
                Sql("UPDATE "),
                Sql(table),
                Sql(" SET "),
                Sql(column),
                Sql(" = it.column2 FROM (VALUES "),
            ];
            for (at, (old, new)) in chunk.iter().enumerate() {
                put.push(Sql(if at == 0 { "(" } else { ", (" }));
                put.extend([Id(*old), Sql(", "), Id(*new), Sql(")")]);
            }
            put.extend([
                Sql(") AS it WHERE "),
                Sql(table),
                Sql(".owner_id = "),
                Part::Text(from),
                Sql(" AND "),
                Sql(table),
                Sql("."),
                Sql(column),
                Sql(" = it.column1"),
            ]);
            assemble::<()>(put).execute(conn)?;
        }
    }
    Ok(())
}

/// Forgets that rows which `to` gets now had ended there.
fn come_back(conn: &mut DbConnection, from: &str, to: &str, table: &str) -> QueryResult<()> {
    let forget = vec![
        Sql("DELETE FROM gone WHERE owner_id = "),
        Part::Text(to),
        Sql(" AND kind = "),
        Part::Text(table),
        Sql(" AND EXISTS (SELECT 1 FROM "),
        Sql(table),
        Sql(" it WHERE it.owner_id = "),
        Part::Text(from),
        Sql(" AND it.id = gone.id)"),
    ];
    assemble::<()>(forget).execute(conn).map(drop)
}

fn give_keys(conn: &mut DbConnection, from: &str, to: &str) -> QueryResult<()> {
    let of_both = vec![
        Sql("DELETE FROM idempotency_keys WHERE owner_id = "),
        Part::Text(from),
        Sql(" AND key IN (SELECT other.key FROM idempotency_keys other WHERE other.owner_id = "),
        Part::Text(to),
        Sql(")"),
    ];
    assemble::<()>(of_both).execute(conn)?;
    let give = vec![
        Sql("UPDATE idempotency_keys SET owner_id = "),
        Part::Text(to),
        Sql(" WHERE owner_id = "),
        Part::Text(from),
    ];
    assemble::<()>(give).execute(conn).map(drop)
}
