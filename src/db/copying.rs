//! Copies a table of one database into another, for `migrate --from`. No request can run these
//! statements, which do not filter by owner.

use std::collections::HashMap;

use diesel::prelude::*;

use super::connection::DbConnection;
use super::id::DbId;
use super::older::fill_in;
use super::stored::{PutStored, SelectStored, Stored};
use super::table::Table;

/// Rows of one statement: SQLite accepts 32,766 parameters, and a row may have 60.
pub const BATCH: usize = 500;

/// What became of the rows of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// The number of rows in the source.
    pub all: usize,
    /// The number of rows that were missing in the target, or older there.
    pub written: usize,
    /// The number of rows that differ in the target and are not older there: they were
    /// changed since an earlier copy, and are left unchanged.
    pub kept: usize,
}

/// Copies the rows of all owners from one database into another one, each with its owner.
///
/// # Errors
///
/// A database failed.
pub fn copy_table<T: Table>(from: &mut DbConnection, to: &mut DbConnection) -> QueryResult<Rows> {
    fill_in::<T>(from)?;
    let mut copied = Rows::default();
    let mut last: Option<(String, DbId)> = None;
    loop {
        let behind = last.as_ref().map(|(owner, id)| (owner.as_str(), *id));
        let rows = T::load_stored(from, SelectStored::behind(behind, BATCH as i64))?;
        let Some(end) = rows.last() else {
            forget_ends::<T>(to)?;
            return Ok(copied);
        };
        last = Some((end.owner_id.clone(), end.row.id()));
        copied.all += rows.len();
        copied.written += PutStored::new(&rows).execute(to)?;
        copied.kept += differing(to, &rows)?;
    }
}

/// Forgets that rows which came back had ended in the target: whoever follows changes would
/// have both in one page.
fn forget_ends<T: Table>(to: &mut DbConnection) -> QueryResult<()> {
    let table = T::NAME;
    let forget = format!(
        "DELETE FROM gone WHERE kind = '{table}' AND EXISTS (SELECT 1 FROM {table} it \
         WHERE it.owner_id = gone.owner_id AND it.id = gone.id)"
    );
    diesel::sql_query(forget).execute(to).map(drop)
}

/// How many of these rows differ in the target.
fn differing<T: Table>(to: &mut DbConnection, rows: &[Stored<T>]) -> QueryResult<usize> {
    fn key<T: Table>(row: &Stored<T>) -> (&str, DbId) {
        (row.owner_id.as_str(), row.row.id())
    }
    let ids: Vec<DbId> = rows.iter().map(|row| row.row.id()).collect();
    let there = T::load_stored(to, SelectStored::with_ids(&ids))?;
    let there: HashMap<_, _> = there.iter().map(|row| (key(row), row)).collect();
    if rows.iter().any(|row| !there.contains_key(&key(row))) {
        // This transaction has just written the row, so a foreign trigger or rule
        // has removed it. Then nothing is copied.
        return Err(diesel::result::Error::RollbackTransaction);
    }
    let differs = |row: &&Stored<T>| there.get(&key(row)).is_none_or(|there| *there != *row);
    Ok(rows.iter().filter(differs).count())
}
