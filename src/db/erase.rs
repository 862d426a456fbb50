//! Erases everything of one owner: rows, what is remembered of rows that ended, idempotency
//! keys, numbers and epochs.
//!
//! A step is one short transaction under the owner's lock, so that others are not held up,
//! however much there is. An owner with few rows is erased in one. Else the owner is noted
//! in the first step, and whoever finds the note goes on: after a crash, too.
//!
//! Invariants: what was committed before the last step is erased; what is committed later
//! is as of somebody new. Nothing that was erased comes back: a write names the version
//! that it has read, and finds no row.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::assembled::{
    Part::{self, Sql},
    assemble, has_rows,
};
use super::change::begin;
use super::connection::DbConnection;
use super::id::{DbId, Id};
use super::numbering::reset_who_has_nothing;
use super::statement::in_transaction;
use crate::primitives::timestamp::Timestamp;

/// One less than the max number of rows of a table that a step deletes. On SQLite it takes
/// some milliseconds, in which no one else writes. PostgreSQL lets others write, and each
/// step passes by what those before it have deleted.
fn rows(conn: &DbConnection) -> &'static str {
    match conn.is_postgres() {
        true => "4999",
        false => "499",
    }
}

/// The owner in the note that bytes are to be removed from SQLite's files.
const NOBODY: &str = "";

/// When bytes are to be removed, if what is left to do for that is the WAL.
const VACUUMED: &str = "1970-01-01 00:00:00";

/// What a step has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many rows of each table it has deleted.
    pub deleted: Vec<usize>,
    /// Whether everything of the owner's was erased.
    pub is_last: bool,
}

/// Erases some rows of an owner in these tables, or the last ones and all the rest. Of an
/// owner who has nothing it writes nothing: not even the name, and SQLite's file is not
/// written anew for somebody who asks for that again and again.
///
/// # Errors
///
/// The database failed, and the step has erased nothing.
pub fn step(conn: &mut DbConnection, owner: &str, tables: &[&'static str]) -> QueryResult<Step> {
    if !has_anything(conn, owner, tables)? {
        return Ok(Step {
            deleted: vec![0; tables.len()],
            is_last: true,
        });
    }
    in_transaction(conn, |conn| {
        begin(conn, owner)?;
        let mut step = Step {
            deleted: vec![0; tables.len()],
            is_last: true,
        };
        let counted = step.deleted.iter_mut().map(Some).chain([None, None]);
        let rest = [("gone", "id"), ("idempotency_keys", "key")];
        let all = tables.iter().map(|table| (*table, "id")).chain(rest);
        for ((table, key), count) in all.zip(counted) {
            let (deleted, is_all) = delete_some(conn, owner, table, key)?;
            if let Some(count) = count {
                *count = deleted;
            }
            if !is_all {
                step.is_last = false;
                break;
            }
        }
        match step.is_last {
            true => delete_rest(conn, owner)?,
            false => note(conn, owner)?,
        }
        Ok(step)
    })
}

/// Deletes some rows of a table, and says whether they were all.
fn delete_some(
    conn: &mut DbConnection,
    owner: &str,
    table: &str,
    key: &str,
) -> QueryResult<(usize, bool)> {
    let of_owner = [Sql(" FROM "), Sql(table), Sql(" WHERE owner_id = ")];
    let of_owner = [&of_owner[..], &[Part::Text(owner)]].concat();
    let order = [
        Sql(" ORDER BY "),
        Sql(key),
        Sql(" LIMIT 1 OFFSET "),
        Sql(rows(conn)),
    ];
    let find = [&[Sql("SELECT "), Sql(key)][..], &of_owner, &order].concat();
    let up_to = |last| [&[Sql(" AND "), Sql(key), Sql(" <= ")][..], &[last]].concat();
    let (id, text);
    let limit = if key == "id" {
        id = assemble::<Id>(find).get_result::<DbId>(conn).optional()?;
        id.map(Part::Id)
    } else {
        text = assemble::<Text>(find)
            .get_result::<String>(conn)
            .optional()?;
        text.as_deref().map(Part::Text)
    };
    let is_all = limit.is_none();
    let condition = limit.map(up_to).unwrap_or_default();
    let delete = [&[Sql("DELETE")][..], &of_owner, &condition].concat();
    Ok((assemble::<()>(delete).execute(conn)?, is_all))
}

/// Notes that an owner is being erased since now, or already. Of nobody: that bytes are to be
/// removed, of now.
fn note(conn: &mut DbConnection, owner: &str) -> QueryResult<()> {
    let note = vec![
        Sql("INSERT INTO erasures (owner_id, begun_at) VALUES ("),
        Part::Text(owner),
        Sql(", "),
        Part::Instant(Timestamp::now().column()),
        Sql(
            ") ON CONFLICT (owner_id) DO UPDATE SET begun_at = excluded.begun_at \
             WHERE erasures.owner_id = ''",
        ),
    ];
    assemble::<()>(note).execute(conn).map(drop)
}

/// Deletes what an owner has beside rows, and the lock with it: whoever waits for it begins
/// anew. To be called last: of all who end an owner at the same time, one goes on.
pub(super) fn delete_rest(conn: &mut DbConnection, owner: &str) -> QueryResult<()> {
    for table in ["erasures", "epochs", "owners"] {
        let from = Sql(" WHERE owner_id = ");
        let delete = vec![Sql("DELETE FROM "), Sql(table), from, Part::Text(owner)];
        assemble::<()>(delete).execute(conn)?;
    }
    reset_who_has_nothing(conn)?;
    match conn {
        DbConnection::Sqlite(_) => note(conn, NOBODY),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(_) => Ok(()),
    }
}

/// Whether an owner has anything: rows in these tables, or what is kept beside them.
pub(super) fn has_anything(
    conn: &mut DbConnection,
    owner: &str,
    tables: &[&'static str],
) -> QueryResult<bool> {
    let rest = ["gone", "idempotency_keys", "erasures", "epochs", "owners"];
    has_rows(conn, owner, tables.iter().copied().chain(rest))
}

/// Whether an owner is being erased.
pub(super) fn is_under_way(conn: &mut DbConnection, owner: &str) -> QueryResult<bool> {
    has_rows(conn, owner, ["erasures"])
}

/// An owner whom somebody began to erase before an instant.
///
/// # Errors
///
/// The database failed.
pub fn unfinished(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Option<String>> {
    let find = vec![
        Sql("SELECT owner_id FROM erasures WHERE begun_at < "),
        Part::Instant(before.column()),
        Sql(" AND owner_id <> '' ORDER BY begun_at LIMIT 1"),
    ];
    assemble::<Text>(find).get_result(conn).optional()
}

/// Whether bytes of what was erased may still be in SQLite's files.
///
/// # Errors
///
/// The database failed.
pub fn has_remains(conn: &mut DbConnection) -> QueryResult<bool> {
    is_under_way(conn, NOBODY)
}

/// What became of the bytes of what was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    /// There are none. On PostgreSQL that is for VACUUM to do.
    Removed,
    /// Somebody still reads what was there before: it is to be tried again.
    Read,
    /// The file is so large that writers would wait: it is to be done seldom.
    Large,
}

/// How much SQLite's file may contain to be rewritten at once, in bytes: half a second.
const AT_ONCE: i64 = 32 << 20;

/// Removes the bytes of what was erased from SQLite's file and WAL.
///
/// Deleted rows are overwritten with zeros (`secure_delete`). But where SQLite moves rows
/// between pages, copies stay behind in the unused part of a page. Only VACUUM, which
/// writes the file anew, is sure to leave none.
///
/// # Errors
///
/// The database failed.
pub fn remove_remains(conn: &mut DbConnection) -> QueryResult<Remains> {
    if let DbConnection::Sqlite(sqlite) = conn
        && !is_vacuumed(sqlite)?
        && size(sqlite)? > AT_ONCE
    {
        return Ok(Remains::Large);
    }
    remove_all_remains(conn)
}

/// The same, however large the file is. Nobody else writes meanwhile.
///
/// # Errors
///
/// The database failed.
pub fn remove_all_remains(conn: &mut DbConnection) -> QueryResult<Remains> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    if !has_remains(conn)? {
        return Ok(Remains::Removed);
    }
    match conn {
        DbConnection::Sqlite(sqlite) => {
            // Once, however often somebody is in the way of the checkpoint.
            if !is_vacuumed(sqlite)? {
                vacuum(sqlite)?;
            }
            let checkpoint = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)");
            let done: Checkpoint = checkpoint.get_result(sqlite)?;
            if done.busy != 0 {
                return Ok(Remains::Read);
            }
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(_) => return Ok(Remains::Removed),
    }
    // Another process may have erased something since: then its note is a new one.
    let delete = Sql("DELETE FROM erasures WHERE owner_id = '' AND begun_at = '");
    let deleted = assemble::<()>(vec![delete, Sql(VACUUMED), Sql("'")]);
    Ok(match deleted.execute(conn)? {
        0 => Remains::Read,
        _ => Remains::Removed,
    })
}

/// Writes a SQLite file anew, and notes that.
fn vacuum(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    // No copy of it in a file of its own.
    let store = match size(sqlite)? > AT_ONCE {
        true => "PRAGMA temp_store = DEFAULT",
        false => "PRAGMA temp_store = MEMORY",
    };
    sqlite.batch_execute(store)?;
    let noted = "SELECT begun_at AS at FROM erasures WHERE owner_id = ''";
    let noted: Option<NotedAt> = diesel::sql_query(noted).get_result(sqlite).optional()?;
    let vacuumed = sqlite.batch_execute("VACUUM");
    sqlite.batch_execute("PRAGMA temp_store = DEFAULT")?;
    vacuumed?;
    // Not what another process has erased meanwhile.
    let noted = noted.map(|noted| noted.at).unwrap_or_default();
    let update =
        format!("UPDATE erasures SET begun_at = '{VACUUMED}' WHERE owner_id = '' AND begun_at = ?");
    let update = diesel::sql_query(update).bind::<Text, _>(noted);
    update.execute(sqlite).map(drop)
}

#[derive(QueryableByName)]
struct NotedAt {
    #[diesel(sql_type = Text)]
    at: String,
}

/// Whether a SQLite file was written anew since the last erasure.
fn is_vacuumed(sqlite: &mut SqliteConnection) -> QueryResult<bool> {
    let find = format!(
        "SELECT count(*) AS number FROM erasures WHERE owner_id = '' AND begun_at = '{VACUUMED}'"
    );
    let found: Number = diesel::sql_query(find).get_result(sqlite)?;
    Ok(found.number > 0)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How much a SQLite file contains, without free pages, in bytes.
fn size(sqlite: &mut SqliteConnection) -> QueryResult<i64> {
    let size = diesel::sql_query(
        "SELECT (page_count - freelist_count) * page_size AS number \
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
    );
    let Number { number } = size.get_result(sqlite)?;
    Ok(number)
}
