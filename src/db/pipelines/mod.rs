//! Pipelines: connections to PostgreSQL on which the statements of many requests are
//! in flight at the same time, one behind the other.
//!
//! A thread that waits for the response is the largest cost of a short statement. So
//! the few most frequent statements go over pipelines, and all others to the threads
//! of the worker pool.
//!
//! Invariant: a pipeline only returns successes. A statement that it cannot accept at
//! once, or that fails without an effect, is run on the worker pool, which determines
//! the error. A statement that waits would block all behind it. So a pipeline accepts
//! none while its first one has waited long, an owner has only a few places, waits
//! for locks are short, and a read that is stuck is run again on the worker pool.

mod listener;
mod open;
mod pipeline;
mod session;
mod slot;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use tokio::time::{timeout, timeout_at};
use tokio_postgres::error::SqlState;

use self::open::PipelineOpener;
use self::pipeline::{Pipeline, Place};
use self::session::had_no_effect;
pub use self::session::{Failure, Session};
use self::slot::{Entered, Opening, Slot};
use super::connection::Generation;
use super::error::DbError;
use super::owner_limiter::OwnerLimiter;
use super::statement::Access;
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl};

/// If the first statement of a pipeline has waited longer for its response, further
/// statements go to the worker pool.
const STALL: Duration = Duration::from_millis(15);

/// If the first write of a pipeline has waited longer, further ones go to the next
/// pipeline of their thread, if it has one. Where commits wait for a disk, several
/// pipelines are faster; elsewhere fewer connections are.
const SLOW: Duration = Duration::from_millis(1);

/// How long a read waits for its response before it is run on the worker pool.
const READ_TIMEOUT: Duration = Duration::from_millis(250);

/// How long a shutdown waits for statements in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The max number of statements of one owner in flight on the pipelines.
const MAX_PER_OWNER: usize = 4;

/// The max number of statements in flight on one pipeline; and the max number before
/// a page, because pages are large and are buffered in memory.
pub const MAX_STATEMENTS: usize = 128;
pub const MAX_BEFORE_PAGE: usize = 32;

/// Pipelines for reads and for writes: commits wait for the disk, and reads must not
/// wait for commits.
pub(super) struct Pipelines {
    reads: Vec<Arc<Slot>>,
    writes: Vec<Arc<Slot>>,
    owner_limiter: OwnerLimiter,
    opener: PipelineOpener,
    generation: Generation,
    failures_behind: IntCounter,
    workers: usize,
}

impl Pipelines {
    /// None if pipelines are disabled or not possible. They are opened on demand.
    pub fn new(
        database: &Database,
        generation: &Generation,
        failures_behind: &IntCounter,
    ) -> Option<Arc<Self>> {
        let DatabaseUrl::Postgres(url) = &database.url else {
            return None;
        };
        if database.pipelines == 0 || !database.prepared_statements {
            return None;
        }
        let opener = match PipelineOpener::new(url, database) {
            Ok(opener) => opener,
            Err(why) => {
                log::info!("statements are not pipelined: {why}");
                return None;
            }
        };
        let slots = || (0..database.pipelines).map(|_| Arc::default()).collect();
        Some(Arc::new(Self {
            reads: slots(),
            writes: slots(),
            owner_limiter: OwnerLimiter::new(MAX_PER_OWNER),
            opener,
            generation: generation.clone(),
            failures_behind: failures_behind.clone(),
            workers: database.workers,
        }))
    }

    /// The number of open pipelines.
    pub fn open(&self) -> u32 {
        self.slots().filter(|slot| slot.is_open()).count() as u32
    }

    fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.reads.iter().chain(&self.writes)
    }

    /// Accepts no more statements. Those in flight are finished.
    pub fn end(&self) {
        self.slots().for_each(|slot| slot.end());
    }

    /// Waits for the statements in flight, for one second at most.
    pub async fn ended(&self) {
        let until = Instant::now() + DRAIN_TIMEOUT;
        while !self.slots().all(|slot| slot.is_done()) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs a read of an owner. None if no pipeline accepts it or it does not succeed in
    /// time: then it is to be run on the worker pool.
    pub async fn read<T>(
        self: &Arc<Self>,
        owner: &OwnerId,
        max: usize,
        run: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
    ) -> Option<T> {
        let own = self.of_this_thread(&self.reads).take(1);
        let (slot, place) = self.enter(own, owner, max)?;
        match timeout(READ_TIMEOUT, run(&place.pipeline.session)).await {
            Ok(Ok(value)) => {
                place.complete();
                Some(value)
            }
            Ok(Err(_)) => {
                slot.refused(&place.pipeline);
                None
            }
            Err(_) => {
                slot.failed(&place.pipeline);
                None
            }
        }
    }

    /// Runs a write of an owner. None if no pipeline accepts it, or if the database refused
    /// it without an effect: then it is to be run on the worker pool.
    ///
    /// # Errors
    ///
    /// The outcome is unknown, or the write succeeded and its result cannot be read.
    pub async fn write<T>(
        self: &Arc<Self>,
        owner: &OwnerId,
        max: usize,
        deadline: Instant,
        run: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
    ) -> Result<Option<T>, DbError> {
        let own = self.of_this_thread(&self.writes);
        let Some((slot, place)) = self.enter(own, owner, max) else {
            return Ok(None);
        };
        let pipeline = &place.pipeline;
        let attempt = async {
            let failure = match run(&pipeline.session).await {
                Ok(value) => return Ok(Some(value)),
                Err(failure) => failure,
            };
            slot.refused(pipeline);
            let error = match failure {
                Failure::Database(error) => error,
                Failure::Bug(error) => return Err(DbError::Bug(error)),
            };
            // Only the connection can tell whether it is alive.
            let lives = pipeline.is_responsive().await;
            let is_replica = error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
            if !lives || is_replica {
                self.generation.end_of(pipeline.generation);
            }
            match lives && had_no_effect(&error) {
                true => Ok(None),
                false => {
                    self.failures_behind.inc_by(u64::from(lives));
                    Err(DbError::OutcomeUnknown(error.into()))
                }
            }
        };
        let result = timeout_at(deadline.into(), attempt).await;
        let result = result.map_err(|_| DbError::TooLate(Access::Write))?;
        place.complete();
        result
    }

    fn of_this_thread<'s>(&self, slots: &'s [Arc<Slot>]) -> impl Iterator<Item = &'s Arc<Slot>> {
        of_thread(number_of_thread(), self.workers, slots)
    }

    /// Enters the first of these pipelines that is not slow, or else the last one. If it is
    /// not open, opens it in the background and returns none.
    fn enter<'s>(
        self: &Arc<Self>,
        own: impl Iterator<Item = &'s Arc<Slot>>,
        owner: &OwnerId,
        max: usize,
    ) -> Option<(&'s Slot, Place)> {
        let mut own = own.peekable();
        let mut permit = self.owner_limiter.try_acquire(owner.as_str())?;
        while let Some(slot) = own.next() {
            let longest_wait = match own.peek() {
                Some(_) => SLOW,
                None => STALL,
            };
            match slot.enter(permit, max, longest_wait, &self.generation) {
                Entered::Place(place) => return Some((slot, place)),
                Entered::Busy(given_back) => permit = given_back,
                Entered::Nothing => return None,
                Entered::Opening(opening) => {
                    let pipelines = Arc::clone(self);
                    tokio::spawn(async move { pipelines.open_one(&opening).await });
                    return None;
                }
            }
        }
        None
    }

    async fn open_one(&self, opening: &Opening) {
        let refusals = self.generation.refusals();
        match self.opener.open(opening.sessions).await {
            Ok(opened) => {
                let pipeline = Pipeline::new(opened, opening.generation);
                opening.slot.open(pipeline, refusals);
            }
            Err(cause) => {
                opening.slot.not_opened();
                log::info!(cause:% = cause; "no pipeline to the database; statements go the ordinary way");
            }
        }
    }
}

/// The number of this thread, in the order of their first calls.
fn number_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// Distributes pipelines to threads: each thread gets at least one, and each pipeline
/// as few threads as possible, so that it is mostly driven by the thread that uses it.
/// A number beyond `threads` belongs to a thread that replaces one that ended.
fn of_thread<T>(number: usize, threads: usize, all: &[T]) -> impl Iterator<Item = &T> {
    let threads = threads.max(1);
    let first = (number % threads).checked_rem(all.len());
    all.iter().skip(first.unwrap_or_default()).step_by(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_has_a_pipeline_and_every_pipeline_as_few_threads_as_possible() {
        for (pipelines, threads) in [(2, 1), (2, 2), (4, 2), (5, 2), (2, 8), (3, 8), (64, 1)] {
            let all: Vec<usize> = (0..pipelines).collect();
            let mut users = vec![0; pipelines];
            for number in 0..threads {
                let own: Vec<&usize> = of_thread(number, threads, &all).collect();
                assert!(!own.is_empty());
                own.into_iter().for_each(|at| users[*at] += 1);
            }
            let max = threads.div_ceil(pipelines);
            assert!(
                users.iter().all(|users| (1..=max).contains(users)),
                "{users:?}"
            );
        }
        assert!(of_thread(7, 2, &[0, 1, 2, 3]).eq(&[1, 3]));
        assert_eq!(of_thread::<u8>(3, 8, &[]).next(), None);
    }
}
