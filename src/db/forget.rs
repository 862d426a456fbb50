//! Forgets what no client can ask for any more: what ended long ago, and the epochs of
//! cursors that are too old. And resets all cursors at once.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Text, Timestamp as Instant};

use super::connection::{DbConnection, Generation, Manager, MultiBackend};
use super::id::DbId;
use super::migrate::MigrateError;
use super::numbering::reset_who_has_nothing;
use super::purge::Step;
use super::replica_lock::is_alone;
use super::schema::{epochs, gone};
use super::statement::{
    Pass, Transaction, dynamic_query, in_transaction, in_transaction_or_not, without_time_limit,
};
use crate::primitives::timestamp::Timestamp;
use crate::settings::Database;

/// The max number of rows that a step deletes: it takes some milliseconds.
const ROWS: i64 = 200;

/// The key of the advisory lock that admits one replica at a time: "forgetti" in ASCII.
const LOCK: i64 = 0x666f_7267_6574_7469;

/// Forgets some rows of one owner that ended before an instant. The owner's row remembers
/// up to which change: a cursor from before that is told to start again, and misses
/// nothing.
///
/// # Errors
///
/// The database failed, and nothing is forgotten.
pub fn forget_gone(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Step> {
    let before = before.column();
    let oldest = gone::table
        .filter(gone::gone_at.lt(before))
        .order(gone::gone_at)
        .select(gone::owner_id);
    let owner: Option<String> = oldest.first(conn).optional()?;
    let Some(owner) = owner else {
        return Ok(Step::Done);
    };
    in_transaction_or_not(conn, |conn| {
        if !is_alone(conn, LOCK)? {
            return Ok(Transaction::Rollback(Step::Busy));
        }
        let old = gone::table
            .filter(gone::owner_id.eq(&owner))
            .filter(gone::gone_at.lt(before))
            .order(gone::change)
            .select((gone::change, gone::kind, gone::id))
            .limit(ROWS);
        let old: Vec<(i64, String, DbId)> = old.load(conn)?;
        // The clock may have jumped, so the number counts and not the time.
        let Some((up_to, ..)) = old.last().cloned() else {
            return Ok(Transaction::Rollback(Step::Ended(0)));
        };
        let mut count = 0;
        for (_, kind, id) in &old {
            let old = gone::table.find((&owner, kind, id));
            count += diesel::delete(old).execute(conn)?;
        }
        let remember = Remember {
            owner: &owner,
            up_to,
        };
        remember.execute(conn)?;
        Ok(Transaction::Commit(Step::Ended(count)))
    })
}

/// Forgets some epochs that ended before an instant, of all owners.
///
/// # Errors
///
/// The database failed, and nothing is forgotten.
pub fn forget_epochs(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Step> {
    // Looked for outside of the transaction: where there are none, it would wait for another
    // process's lock on the SQLite file, and every write of this process behind it.
    let before = before.column();
    let ended: Vec<(String, i64)> = EndedEpochs { before }.load(conn)?;
    if ended.is_empty() {
        return Ok(Step::Done);
    }
    in_transaction_or_not(conn, |conn| {
        if !is_alone(conn, LOCK)? {
            return Ok(Transaction::Rollback(Step::Busy));
        }
        let mut count = 0;
        for (owner, epoch) in &ended {
            let ended = epochs::table.find((owner, epoch));
            count += diesel::delete(ended).execute(conn)?;
        }
        Ok(match count {
            0 => Transaction::Rollback(Step::Done),
            count => Transaction::Commit(Step::Ended(count)),
        })
    })
}

/// Makes every cursor of changes invalid: each client fetches everything anew. For after
/// a restore that this server cannot know of.
///
/// # Errors
///
/// There is no connection, or the database refuses.
pub fn reset_cursors(database: &Database) -> Result<(), MigrateError> {
    let opened = Manager::new(database, Generation::default()).open();
    let mut conn = opened.map_err(MigrateError::Connection)?;
    // One number is left out: an epoch that goes on begins anew behind every cursor.
    let reset = "DELETE FROM epochs; \
                 UPDATE owners SET epoch = NULL, earlier_epoch = NULL, last_change = last_change + 1";
    in_transaction(&mut conn, |conn| {
        without_time_limit(conn)?;
        if conn.is_postgres() {
            // A server that runs numbers changes meanwhile: none of them may be missed, and
            // none may wait for us while we wait for it.
            conn.batch_execute("LOCK TABLE owners IN SHARE ROW EXCLUSIVE MODE")?;
        }
        conn.batch_execute(reset)?;
        reset_who_has_nothing(conn)
    })?;
    Ok(())
}

/// UPDATE: up to which change an owner's ended rows are forgotten.
struct Remember<'a> {
    owner: &'a str,
    up_to: i64,
}

/// SELECT: epochs that another one of the same owner followed before an instant.
struct EndedEpochs {
    before: NaiveDateTime,
}

impl Query for EndedEpochs {
    type SqlType = (Text, BigInt);
}

dynamic_query!([] Remember<'_>, [] EndedEpochs);

impl QueryFragment<MultiBackend> for Remember<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("UPDATE owners SET forgotten = CASE WHEN forgotten > ");
        out.push_bind_param::<BigInt, _>(&self.up_to)?;
        out.push_sql(" THEN forgotten ELSE ");
        out.push_bind_param::<BigInt, _>(&self.up_to)?;
        out.push_sql(" END WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)
    }
}

impl QueryFragment<MultiBackend> for EndedEpochs {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT it.owner_id, it.epoch FROM epochs it WHERE it.noted_at < ");
        out.push_bind_param::<Instant, _>(&self.before)?;
        out.push_sql(
            " AND EXISTS (SELECT 1 FROM epochs later WHERE later.owner_id = it.owner_id \
             AND later.after_change > it.after_change AND later.noted_at < ",
        );
        out.push_bind_param::<Instant, _>(&self.before)?;
        out.push_sql(&format!(") LIMIT {ROWS}"));
        Ok(())
    }
}
