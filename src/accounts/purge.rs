//! Ends what was begun: accounts that were being erased when a process ended.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::repository::erase_some;
use crate::db::connection::DbConnection;
use crate::db::erase::{Remains, has_remains, remove_all_remains, remove_remains, unfinished};
use crate::db::purge::Step;
use crate::primitives::timestamp::Timestamp;

/// How long ago an erasure must have begun, in seconds, before this goes on with it: until
/// then a client may wait to be told how much it was.
const LEFT_TO_OTHERS: i64 = 15;

/// Erases some more of an account that somebody began to erase a while ago.
///
/// # Errors
///
/// The database failed, and the step has erased nothing.
pub fn step(conn: &mut DbConnection, _: Timestamp) -> QueryResult<Step> {
    let now = Timestamp::now();
    let before = Timestamp::new(now.utc() - TimeDelta::seconds(LEFT_TO_OTHERS));
    if let Some(owner) = unfinished(conn, before)? {
        let (counts, _) = erase_some(conn, &owner)?;
        let count = usize::try_from(counts.total()).unwrap_or(1);
        return Ok(Step::Ended(count.max(1)));
    }
    if unfinished(conn, now)?.is_some() {
        return Ok(Step::Busy);
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
