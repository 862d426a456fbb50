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
mod width;

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
use self::width::Width;
use super::connection::Generation;
use super::error::DbError;
use super::owner_limiter::OwnerLimiter;
use super::statement::Access;
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl, PipelineCount};

/// How many pipelines there are for reads, and for writes while more are not faster;
/// fewer if there are fewer workers.
const MAX_FEW: usize = 2;

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
    /// How many of those for writes are used.
    width: Width,
    /// How many of them are always needed.
    min_writes: usize,
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
        if database.pipelines == PipelineCount::Fixed(0) || !database.prepared_statements {
            return None;
        }
        let opener = match PipelineOpener::new(url, database) {
            Ok(opener) => opener,
            Err(why) => {
                log::info!("statements are not pipelined: {why}");
                return None;
            }
        };
        let (min, max) = match database.pipelines {
            PipelineCount::Fixed(number) => (number as usize, number as usize),
            PipelineCount::Auto => {
                let few = database.workers.clamp(1, MAX_FEW);
                (few, database.pool_size as usize + MAX_FEW)
            }
        };
        let slots = |number| (0..number).map(|_| Arc::default()).collect();
        Some(Arc::new(Self {
            reads: slots(min),
            writes: slots(max),
            width: Width::new(min, max),
            min_writes: min,
            owner_limiter: OwnerLimiter::new(MAX_PER_OWNER),
            opener,
            generation: generation.clone(),
            failures_behind: failures_behind.clone(),
            workers: database.workers,
        }))
    }

    /// The numbers of open pipelines for reads and for writes.
    pub fn open(&self) -> (u32, u32) {
        let open = |slots: &[Arc<Slot>]| slots.iter().filter(|slot| slot.is_open()).count() as u32;
        (open(&self.reads), open(&self.writes))
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
                let _ = place.complete();
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
        let used = self.writes.get(..self.width.used()).unwrap_or_default();
        let own = self.of_this_thread(used);
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
                false if lives && error.code() == Some(&SqlState::QUERY_CANCELED) => {
                    Err(DbError::TooLate(Access::Write))
                }
                false => {
                    self.failures_behind.inc_by(u64::from(lives));
                    Err(DbError::OutcomeUnknown(error.into()))
                }
            }
        };
        let result = timeout_at(deadline.into(), attempt).await;
        let result = result.map_err(|_| DbError::TooLate(Access::Write))?;
        if let Some(took) = place.complete() {
            self.width.answered(took, |used| self.are_open(used));
        }
        result
    }

    fn are_open(&self, writes: usize) -> bool {
        self.writes.iter().take(writes).all(|slot| slot.is_open())
    }

    fn of_this_thread<'s>(&self, slots: &'s [Arc<Slot>]) -> impl Iterator<Item = &'s Arc<Slot>> {
        of_thread(number_of_thread(), self.workers, slots)
    }

    /// Enters the one of these pipelines that has the fewest statements in flight. If one is
    /// missing, opens it in the background.
    fn enter<'s>(
        self: &Arc<Self>,
        own: impl Iterator<Item = &'s Arc<Slot>>,
        owner: &OwnerId,
        max: usize,
    ) -> Option<(&'s Slot, Place)> {
        let permit = self.owner_limiter.try_acquire(owner.as_str())?;
        for slot in least_used_first(own, |slot| slot.in_flight()) {
            match slot.enter(max, &self.generation) {
                Entered::Fit(pipeline) => return Some((slot, Place::new(pipeline, Some(permit)))),
                Entered::Busy => {}
                Entered::Nothing => return None,
                Entered::Opening(opening) => {
                    let pipelines = Arc::clone(self);
                    tokio::spawn(async move { pipelines.open_one(&opening).await });
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
                let mut always = self
                    .reads
                    .iter()
                    .chain(self.writes.iter().take(self.min_writes));
                let is_always_needed = always.any(|slot| Arc::ptr_eq(slot, &opening.slot));
                opening.slot.open(pipeline, is_always_needed, refusals);
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

/// The order in which slots are tried: by what is in flight on them. Of those that are not
/// open only the first, and when the others have two each: two are no queue.
fn least_used_first<T>(
    own: impl Iterator<Item = T>,
    in_flight: impl Fn(&T) -> Option<usize>,
) -> impl Iterator<Item = T> {
    let mut has_closed = false;
    let mut own: Vec<_> = own
        .map(|slot| (in_flight(&slot), slot))
        .filter(|(in_flight, _)| in_flight.is_some() || !std::mem::replace(&mut has_closed, true))
        .collect();
    own.sort_by_key(|(in_flight, _)| in_flight.unwrap_or(1));
    own.into_iter().map(|(_, slot)| slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_comes_first_and_one_that_is_closed_only_if_all_are_used() {
        let order = |in_flight: &[Option<usize>]| -> Vec<usize> {
            least_used_first(0..in_flight.len(), |slot| in_flight[*slot]).collect()
        };
        assert_eq!(order(&[None, None, None]), [0]);
        assert_eq!(order(&[Some(0), None, None]), [0, 1]);
        assert_eq!(order(&[Some(1), None, None]), [0, 1]);
        assert_eq!(order(&[Some(2), None, None]), [1, 0]);
        assert_eq!(order(&[Some(2), Some(1), None]), [1, 2, 0]);
        assert_eq!(order(&[None, Some(2), Some(0)]), [2, 0, 1]);
        assert_eq!(order(&[Some(1), Some(1), Some(0)]), [2, 0, 1]);
    }

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
