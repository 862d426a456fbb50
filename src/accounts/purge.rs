//! Ends what was begun: accounts that were being erased when a process ended.

use diesel::QueryResult;

use super::repository::erase_some;
use crate::db::connection::DbConnection;
use crate::db::erase::{Remains, has_remains, remove_all_remains, remove_remains, unfinished};
use crate::db::purge::Step;
use crate::primitives::timestamp::Timestamp;

/// Erases some more of an account that somebody began to erase before an instant.
///
/// # Errors
///
/// The database failed, and the step has erased nothing.
pub fn step(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Step> {
    if let Some(owner) = unfinished(conn, before)? {
        let (counts, _) = erase_some(conn, &owner)?;
        let count = counts.tasks + counts.lists;
        return Ok(Step::Ended(usize::try_from(count).unwrap_or(1).max(1)));
    }
    if !has_remains(conn)? {
        return Ok(Step::Done);
    }
    Ok(match remove_remains(conn)? {
        Remains::Removed | Remains::Large => Step::Done,
        Remains::Read => Step::Busy,
    })
}

/// Removes bytes of what was erased from a large SQLite file. Writers wait meanwhile, so
/// it is done once for many accounts.
///
/// # Errors
///
/// The database failed.
pub fn remove_bytes(conn: &mut DbConnection, _: Timestamp) -> QueryResult<Step> {
    if !has_remains(conn)? {
        return Ok(Step::Done);
    }
    Ok(match remove_all_remains(conn)? {
        Remains::Removed | Remains::Large => Step::Done,
        Remains::Read => Step::Busy,
    })
}
