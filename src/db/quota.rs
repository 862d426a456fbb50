//! How many rows an owner may have.
//!
//! A create is one INSERT, over a pipeline, and stays so: it does not count. A process that
//! has counted an owner's rows may create a share of the places that are free without
//! counting again. The closer to the max, the smaller the share; where it is none, each
//! create counts under the lock of the owner's row.
//!
//! Invariant: one process never exceeds the max, but by what is in flight when the last
//! places are given. Each further one that shares the database may exceed it by the share
//! that it holds: at most a 256th of the max, and for an hour at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Integer, Text};
use quick_cache::sync::Cache;

use super::assembled::{Part, assemble};
use super::connection::{DbConnection, MultiBackend};
use super::rejection::Rejection;
use super::statement::{Failure, Pass, dynamic_query};
use crate::auth::OwnerId;

/// A process holds one of so many free places. So with fewer free ones it holds none.
const SHARE: i64 = 256;

/// How long it holds them.
const HELD: Duration = Duration::from_secs(3600);

/// The max number of owners for whom places are held: about 2 MiB.
const MAX_OWNERS: usize = 16_384;

/// The max number of rows of one table that an owner may have.
#[derive(Clone)]
pub struct Quota(Option<Arc<Shared>>);

struct Shared {
    table: &'static str,
    max: i64,
    held: Cache<OwnerId, Arc<Held>>,
}

/// The places that this process holds for an owner.
struct Held {
    left: AtomicI64,
    until: Instant,
}

/// Whether there is a place for a new row.
pub enum Admission {
    /// There is.
    Granted,
    /// That is to be counted.
    Unknown(Quota),
}

impl Quota {
    /// At most `max` rows of a table; 0 is no limit.
    pub fn new(table: &'static str, max: u64) -> Self {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        Self((max > 0).then(|| {
            Arc::new(Shared {
                table,
                max,
                held: Cache::new(MAX_OWNERS),
            })
        }))
    }

    /// Whether it is that of a table.
    pub fn is_of(&self, table: &str) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.table == table)
    }

    /// Takes one of the places that this process holds, if it holds any. Waits for nothing.
    pub fn admit(&self, owner: &OwnerId) -> Admission {
        match &self.0 {
            Some(shared) if !shared.take(owner) => Admission::Unknown(self.clone()),
            Some(_) | None => Admission::Granted,
        }
    }

    /// Checks that an owner may have so many rows more: under the owner's lock, unless they
    /// will not be created either way.
    ///
    /// # Errors
    ///
    /// There are not so many places, or the database failed.
    pub fn check(
        &self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        more: i64,
    ) -> Result<(), Failure> {
        let Some(shared) = &self.0 else {
            return Ok(());
        };
        let left = shared.count(conn, owner)?.saturating_sub(more);
        shared.hold(owner, left);
        match left < 0 && more > 0 {
            true => Err(shared.exceeded().into()),
            false => Ok(()),
        }
    }

    /// Gives back the places that are held for an owner: others have taken many.
    pub fn give_back(&self, owner: &OwnerId) {
        if let Some(shared) = &self.0 {
            shared.held.remove(owner);
        }
    }
}

impl Admission {
    /// Whether one row can be created without the owner's lock. It cannot while a change of
    /// the owner's is under way: an import has written thousands of rows that are not counted
    /// before it commits.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn is_granted(&self, conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<bool> {
        let Self::Unknown(Quota(Some(shared))) = self else {
            return Ok(true);
        };
        let free = shared.count(conn, owner)?;
        if free < SHARE || is_changed(conn, owner)? {
            return Ok(false);
        }
        shared.hold(owner, free);
        Ok(true)
    }

    /// Checks that one row can be created, under the owner's lock.
    ///
    /// # Errors
    ///
    /// There is no place, or the database failed.
    pub fn check(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(), Failure> {
        match self {
            Self::Granted => Ok(()),
            Self::Unknown(quota) => quota.check(conn, owner, 1),
        }
    }
}

impl Shared {
    fn take(&self, owner: &OwnerId) -> bool {
        let Some(held) = self.held.get(owner) else {
            return false;
        };
        let one_less = |left: i64| (left > 0).then(|| left - 1);
        let taken = held
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.is_ok() && Instant::now() < held.until
    }

    fn hold(&self, owner: &OwnerId, free: i64) {
        if free < SHARE {
            self.held.remove(owner);
            return;
        }
        let held = Held {
            left: AtomicI64::new(free / SHARE),
            until: Instant::now() + HELD,
        };
        self.held.insert(owner.clone(), Arc::new(held));
    }

    fn exceeded(&self) -> Rejection {
        let Self { table, max, .. } = *self;
        Rejection::QuotaExceeded { table, max }
    }

    /// How many places are free; less than none if the max was lowered.
    fn count(&self, conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<i64> {
        let (table, max) = (self.table, self.max.saturating_add(1));
        let owner = owner.as_str();
        let count: i64 = CountRows { table, owner, max }.get_result(conn)?;
        Ok(self.max - count)
    }
}

/// Whether another session may hold the owner's lock: it does, or the owner has no row yet,
/// which whoever makes it holds unseen. SQLite has one writer at a time, so the INSERT itself
/// waits for it.
fn is_changed(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<bool> {
    if !conn.is_postgres() {
        return Ok(false);
    }
    let find = vec![
        Part::Sql("SELECT 1 FROM owners WHERE owner_id = "),
        Part::Text(owner.as_str()),
        Part::Sql(" FOR SHARE SKIP LOCKED"),
    ];
    let free: Option<i32> = assemble::<Integer>(find).get_result(conn).optional()?;
    Ok(free.is_none())
}

/// How many rows an owner has, those in the trash included.
///
/// # Errors
///
/// The database failed.
pub fn count(conn: &mut DbConnection, table: &'static str, owner: &str) -> QueryResult<i64> {
    let max = i64::MAX;
    CountRows { table, owner, max }.get_result(conn)
}

/// SELECT: how many rows an owner has, those in the trash included; not more than `max`.
struct CountRows<'a> {
    table: &'static str,
    owner: &'a str,
    max: i64,
}

impl Query for CountRows<'_> {
    type SqlType = BigInt;
}

dynamic_query!([] CountRows<'_>);

impl QueryFragment<MultiBackend> for CountRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (SELECT 1 FROM ");
        out.push_sql(self.table);
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)?;
        out.push_sql(") it");
        Ok(())
    }
}
