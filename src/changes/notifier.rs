//! Tells streams that their owner's changes have come further.
//!
//! One task of the process asks for all of them, so a stream needs neither a thread nor a
//! connection to the database, and many writes of one owner cost one question. What
//! this process has written it asks for at once. What others have written, other replicas
//! or commands, it finds by asking regularly: that works with every database and behind
//! every pooler.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};
use tokio::time::MissedTickBehavior;

use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::connection::MultiBackend;
use crate::db::statement::{Pass, dynamic_query};
use crate::db::watchers::Reached;

/// How often all watched owners are asked for.
const INTERVAL: Duration = Duration::from_millis(300);

/// The max number of owners in one question.
const CHUNK: usize = 500;

/// How long a question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until it is aborted.
pub async fn run(db: Db) {
    let watchers = db.watchers().clone();
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let all = tokio::select! {
            () = watchers.wait() => false,
            _ = interval.tick() => true,
        };
        let owners = watchers.take_owners(all);
        for owners in owners.chunks(CHUNK) {
            let asked = owners.to_vec();
            let deadline = Instant::now() + TIMEOUT;
            let read = move |conn: &mut _| SelectReached { owners: &asked }.load(conn);
            let rows: Result<Vec<(String, i64, Option<i64>)>, _> = db.read(deadline, read).await;
            // While the database is away nothing is written. It is asked again soon.
            let Ok(rows) = rows else {
                continue;
            };
            let reached = |(owner, number, epoch): (String, i64, Option<i64>)| {
                let epoch = epoch.unwrap_or(0);
                (owner, Reached { epoch, number })
            };
            let reached: HashMap<String, Reached> = rows.into_iter().map(reached).collect();
            for owner in owners {
                if let Some(reached) = reached.get(owner.as_str()) {
                    watchers.tell(owner, *reached);
                }
            }
        }
    }
}

/// SELECT: how far the changes of some owners have come.
struct SelectReached<'a> {
    owners: &'a [OwnerId],
}

impl Query for SelectReached<'_> {
    type SqlType = (Text, BigInt, Nullable<BigInt>);
}

dynamic_query!([] SelectReached<'_>);

impl QueryFragment<MultiBackend> for SelectReached<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if self.owners.len() > 1 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(
            "SELECT owner_id, last_change, (SELECT e.epoch FROM epochs e \
             WHERE e.owner_id = o.owner_id AND e.after_change < o.last_change \
             ORDER BY e.after_change DESC LIMIT 1) FROM owners o WHERE owner_id IN (",
        );
        for (at, owner) in self.owners.iter().enumerate() {
            if at > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<Text, _>(owner.as_str())?;
        }
        out.push_sql(")");
        Ok(())
    }
}
