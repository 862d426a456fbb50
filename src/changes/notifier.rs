//! Gives numbers to what this process has written, for owners who are followed, and tells
//! streams that their owner's changes have come further.
//!
//! One task of the process does it for all, so a stream needs neither a thread nor a
//! connection to the database, a writer waits for nothing, and many writes of one owner
//! cost one question. What other replicas have numbered it learns from their notices, and by
//! asking regularly: that works with every database and behind every pooler. If one ends before it has numbered
//! what it wrote, the next reader does, or this task of another one.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::MissedTickBehavior;

use super::repository::TABLES;
use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::numbering::{GONE, number};
use crate::db::statement::{Pass, dynamic_query};
use crate::db::watchers::Reached;

/// How long writes are collected before they get numbers. Under load it is one question
/// each time, whoever has written.
const COLLECTING: Duration = Duration::from_millis(80);

/// How often it is asked for all watched owners how far they are.
const INTERVAL: Duration = Duration::from_millis(300);

/// How many of these intervals it is where notices are heard, which get lost with their
/// connection: 2.1 seconds.
const INTERVALS_WITH_NOTICES: u32 = 7;

/// How often they are looked through for what nobody has numbered, in intervals: 9
/// seconds.
const INTERVALS_PER_SEARCH: u32 = 30;

/// The max number of owners in one question.
const CHUNK: usize = 100;

/// The max number of owners whose changes are numbered at the same time.
const AT_ONCE: usize = 4;

/// How long a question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until it is aborted.
pub async fn run(db: Db) {
    futures_util::future::join(db.carry_notices(), number_and_tell(&db)).await;
}

async fn number_and_tell(db: &Db) {
    let (watchers, notices) = (db.watchers(), db.notices());
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut intervals = 0_u32;
    loop {
        tokio::select! {
            () = watchers.wait() => {
                tokio::time::sleep(COLLECTING).await;
                let written = watchers.take_written();
                let followed = followed(db, &written).await;
                number_all(db, followed.clone()).await;
                notices.send(&followed);
                tell(db, &followed).await;
            }
            () = notices.wait() => {
                let heard = notices.take(watchers.watched());
                log::debug!("other replicas have numbered changes of {} owners", heard.len());
                tell(db, &heard).await;
            }
            _ = interval.tick() => {
                let watched = watchers.watched();
                if !watched.is_empty() {
                    notices.want();
                }
                if intervals.is_multiple_of(INTERVALS_PER_SEARCH) {
                    number_all(db, unnumbered(db, &watched).await).await;
                }
                if !notices.are_heard() || intervals.is_multiple_of(INTERVALS_WITH_NOTICES) {
                    tell(db, &watched).await;
                }
                intervals = intervals.wrapping_add(1);
            }
        }
    }
}

/// Tells those who watch these owners how far they are.
async fn tell(db: &Db, owners: &[OwnerId]) {
    let Some(mut reached_by) = reached(db, owners).await else {
        return;
    };
    // Those of whom there was nothing when they began to watch have no number until there is
    // something.
    let has_none = |owner: &&OwnerId| {
        let reached = reached_by.get(owner.as_str());
        reached.is_none_or(|reached| reached.epoch == 0)
    };
    let without: Vec<OwnerId> = owners.iter().filter(has_none).cloned().collect();
    let begun = unnumbered(db, &without).await;
    if !begun.is_empty() {
        number_all(db, begun).await;
        let Some(again) = reached(db, owners).await else {
            return;
        };
        reached_by = again;
    }
    for owner in owners {
        match reached_by.get(owner.as_str()) {
            Some(reached) => db.watchers().tell(owner, *reached),
            None => db.watchers().is_gone(owner),
        }
    }
}

/// Gives numbers to the changes of these owners. What cannot be numbered now is found later.
async fn number_all(db: &Db, owners: Vec<OwnerId>) {
    let all = owners
        .into_iter()
        .map(|owner| db.step(move |conn| number(conn, owner.as_str(), &TABLES, false)));
    stream::iter(all)
        .buffer_unordered(AT_ONCE)
        .for_each(|_| std::future::ready(()))
        .await;
}

/// Those of these owners who have changes without a number.
async fn unnumbered(db: &Db, owners: &[OwnerId]) -> Vec<OwnerId> {
    let mut found = Vec::new();
    for owners in owners.chunks(CHUNK) {
        let asked = owners.to_vec();
        let read = move |conn: &mut DbConnection| SelectUnnumbered { owners: &asked }.load(conn);
        let marked: Vec<String> = db
            .read(Instant::now() + TIMEOUT, read)
            .await
            .unwrap_or_default();
        let marked: HashSet<String> = marked.into_iter().collect();
        let is_marked = |owner: &&OwnerId| marked.contains(owner.as_str());
        found.extend(owners.iter().filter(is_marked).cloned());
    }
    found
}

/// Those of these owners whose changes somebody follows: from earlier, or by a stream of this
/// process that was opened when there was nothing.
async fn followed(db: &Db, owners: &[OwnerId]) -> Vec<OwnerId> {
    let mut all = HashSet::new();
    for owners in owners.chunks(CHUNK) {
        let asked = owners.to_vec();
        let read = move |conn: &mut DbConnection| SelectFollowed { owners: &asked }.load(conn);
        let found: Vec<String> = db
            .read(Instant::now() + TIMEOUT, read)
            .await
            .unwrap_or_default();
        all.extend(found);
    }
    let is_followed =
        |owner: &&OwnerId| all.contains(owner.as_str()) || db.watchers().is_watched(owner);
    owners.iter().filter(is_followed).cloned().collect()
}

/// How far these owners are. While the database is away nothing is known.
async fn reached(db: &Db, owners: &[OwnerId]) -> Option<HashMap<String, Reached>> {
    let mut all = HashMap::new();
    for owners in owners.chunks(CHUNK) {
        let asked = owners.to_vec();
        let read = move |conn: &mut DbConnection| SelectReached { owners: &asked }.load(conn);
        let rows: Result<Vec<(String, i64, Option<i64>)>, _> =
            db.read(Instant::now() + TIMEOUT, read).await;
        let reached = |(owner, number, epoch): (String, i64, Option<i64>)| {
            let epoch = epoch.unwrap_or(0);
            (owner, Reached { epoch, number })
        };
        all.extend(rows.ok()?.into_iter().map(reached));
    }
    Some(all)
}

/// SELECT: those of some owners who have changes without a number.
struct SelectUnnumbered<'a> {
    owners: &'a [OwnerId],
}

/// SELECT: those of some owners whose changes have an epoch.
struct SelectFollowed<'a> {
    owners: &'a [OwnerId],
}

/// SELECT: how far the changes of some owners have come.
struct SelectReached<'a> {
    owners: &'a [OwnerId],
}

impl Query for SelectFollowed<'_> {
    type SqlType = Text;
}

impl Query for SelectUnnumbered<'_> {
    type SqlType = Text;
}

impl Query for SelectReached<'_> {
    type SqlType = (Text, BigInt, Nullable<BigInt>);
}

dynamic_query!([] SelectFollowed<'_>, [] SelectReached<'_>, [] SelectUnnumbered<'_>);

impl QueryFragment<MultiBackend> for SelectUnnumbered<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        for (at, table) in TABLES.into_iter().chain([GONE]).enumerate() {
            out.push_sql(if at == 0 { "" } else { " UNION " });
            out.push_sql("SELECT owner_id FROM ");
            out.push_sql(table);
            out.push_sql(" WHERE change = 0 AND owner_id IN (");
            push_owners(self.owners, &mut out)?;
        }
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for SelectReached<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(
            "SELECT owner_id, last_change, (SELECT e.epoch FROM epochs e \
             WHERE e.owner_id = o.owner_id AND e.after_change < o.last_change \
             ORDER BY e.after_change DESC LIMIT 1) FROM owners o WHERE owner_id IN (",
        );
        push_owners(self.owners, &mut out)
    }
}

impl QueryFragment<MultiBackend> for SelectFollowed<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT owner_id FROM owners WHERE epoch IS NOT NULL AND owner_id IN (");
        push_owners(self.owners, &mut out)
    }
}

/// Appends owners and `)`. A list is filled up with its last owner to one of three lengths:
/// so three statements are kept prepared, and none is planned each time.
fn push_owners<'b>(owners: &'b [OwnerId], out: &mut Pass<'_, 'b>) -> QueryResult<()> {
    let length = match owners.len() {
        0..=1 => 1,
        2..=10 => 10,
        _ => CHUNK,
    };
    let last = owners.last().into_iter().cycle();
    for (at, owner) in owners.iter().chain(last).take(length).enumerate() {
        if at > 0 {
            out.push_sql(", ");
        }
        out.push_bind_param::<Text, _>(owner.as_str())?;
    }
    out.push_sql(")");
    Ok(())
}
