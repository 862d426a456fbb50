//! Pipelines: connections to PostgreSQL on which the statements of many requests
//! are under way at the same time, one behind the other.
//!
//! A thread that waits for each answer is what a short statement costs most. So
//! the few statements that are asked for most go over pipelines, and the threads
//! have all others.
//!
//! Invariant: a pipeline only ever says yes. What it cannot do at once, and what
//! fails on it without an effect, goes the ordinary way over the bridge, which
//! tells why. A statement that waits would hold up all behind it; so a pipeline
//! takes none while one has waited long, no owner has more than a few places, a
//! lock is waited for but briefly, and a read that got stuck is asked again.

mod open;
mod pipeline;
mod session;
mod slot;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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

/// The longest that the first statement of a pipeline may have waited for its
/// answer before others go the ordinary way.
const STALL: Duration = Duration::from_millis(15);

/// The same for writes before they go to the next pipeline of their thread, if it
/// has one. Where commits wait for a disk, some that wait side by side are faster;
/// where they do not, the fewer connections the better.
const SLOW: Duration = Duration::from_millis(1);

/// How long a read waits for its answer before it is asked the ordinary way.
const PATIENCE: Duration = Duration::from_millis(250);

/// The longest that a stop waits for what is under way.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Statements that an owner may have on pipelines.
const MAX_OF_OWNER: usize = 4;

/// Statements that may be under way on one pipeline, and as many of them as may
/// be if the next one is for a page: pages are large, and lie in memory.
pub const MAX: usize = 128;
pub const MAX_BEFORE_PAGE: usize = 32;

/// Pipelines for reads and for writes. Commits wait for the disk, and reads must
/// not wait for them.
pub(super) struct Pipelines {
    reads: Vec<Arc<Slot>>,
    writes: Vec<Arc<Slot>>,
    turns: OwnerLimiter,
    opener: PipelineOpener,
    generation: Generation,
    workers: usize,
}

impl Pipelines {
    /// None if there are to be none. None is opened before it is needed.
    pub fn new(database: &Database, generation: &Generation) -> Option<Arc<Self>> {
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
            turns: OwnerLimiter::new(MAX_OF_OWNER),
            opener,
            generation: generation.clone(),
            workers: database.workers,
        }))
    }

    /// How many are open.
    pub fn open(&self) -> u32 {
        self.slots().filter(|slot| slot.is_open()).count() as u32
    }

    fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.reads.iter().chain(&self.writes)
    }

    /// Takes no more statements. What is under way is finished.
    pub fn end(&self) {
        self.slots().for_each(|slot| slot.end());
    }

    /// Waits for what is under way, and not for long.
    pub async fn ended(&self) {
        let until = Instant::now() + LAST_ANSWERS;
        while !self.slots().all(|slot| slot.is_done()) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What an owner's reading statement yields, if a pipeline has room and it
    /// succeeds in time.
    pub async fn read<T>(
        self: &Arc<Self>,
        owner: &OwnerId,
        most: usize,
        run: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
    ) -> Option<T> {
        let own = self.of_this_thread(&self.reads).take(1);
        let (slot, place) = self.enter(own, owner, most)?;
        match timeout(PATIENCE, run(&place.pipeline.session)).await {
            Ok(Ok(value)) => {
                place.answered();
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

    /// What an owner's writing statement yields. None if no pipeline has room, or
    /// if the database has refused it, without an effect.
    ///
    /// # Errors
    ///
    /// Nobody can say whether it happened, or it did and cannot be told of.
    pub async fn write<T>(
        self: &Arc<Self>,
        owner: &OwnerId,
        most: usize,
        deadline: Instant,
        run: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
    ) -> Result<Option<T>, DbError> {
        let own = self.of_this_thread(&self.writes);
        let Some((slot, place)) = self.enter(own, owner, most) else {
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
            // Only the connection can tell whether it lives.
            let lives = pipeline.still_answers().await;
            let is_replica = error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
            if !lives || is_replica {
                self.generation.end_of(pipeline.generation);
            }
            match lives && had_no_effect(&error) {
                true => Ok(None),
                false => Err(DbError::OutcomeUnknown(error.into())),
            }
        };
        let result = timeout_at(deadline.into(), attempt).await;
        let result = result.map_err(|_| DbError::TooLate(Access::Write))?;
        place.answered();
        result
    }

    fn of_this_thread<'s>(&self, slots: &'s [Arc<Slot>]) -> impl Iterator<Item = &'s Arc<Slot>> {
        of_thread(number_of_thread(), self.workers, slots)
    }

    /// A place for the owner in the first of these that is not slow, or else in the
    /// last. Opens it if it is not open, in the background.
    fn enter<'s>(
        self: &Arc<Self>,
        own: impl Iterator<Item = &'s Arc<Slot>>,
        owner: &OwnerId,
        most: usize,
    ) -> Option<(&'s Slot, Place)> {
        let mut own = own.peekable();
        let mut turn = self.turns.take_now(owner.as_str())?;
        while let Some(slot) = own.next() {
            let longest_wait = match own.peek() {
                Some(_) => SLOW,
                None => STALL,
            };
            match slot.enter(turn, most, longest_wait, &self.generation) {
                Entered::Place(place) => return Some((slot, place)),
                Entered::Busy(given_back) => turn = given_back,
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

    async fn open_one(&self, Opening { slot, generation }: &Opening) {
        let refusals = self.generation.refusals();
        match self.opener.open().await {
            Ok(opened) => slot.open(Pipeline::new(opened, *generation), refusals),
            Err(cause) => {
                slot.not_opened();
                log::info!(cause:% = cause; "no pipeline to the database; statements go the ordinary way");
            }
        }
    }
}

/// Numbers threads as they come.
fn number_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// What one of so many threads uses: one, or more where there are more than
/// threads. A pipeline that has as few threads as possible is driven by the one
/// that uses it. A thread whose number is beyond takes the place of one that ended.
fn of_thread<T>(number: usize, threads: usize, all: &[T]) -> impl Iterator<Item = &T> {
    let threads = threads.max(1);
    let first = (number % threads).checked_rem(all.len());
    all.iter().skip(first.unwrap_or_default()).step_by(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_has_a_pipeline_and_every_pipeline_as_few_threads_as_may_be() {
        for (pipelines, threads) in [(2, 1), (2, 2), (4, 2), (5, 2), (2, 8), (3, 8), (64, 1)] {
            let all: Vec<usize> = (0..pipelines).collect();
            let mut users = vec![0; pipelines];
            for number in 0..threads {
                let own: Vec<&usize> = of_thread(number, threads, &all).collect();
                assert!(!own.is_empty());
                own.into_iter().for_each(|at| users[*at] += 1);
            }
            let most = threads.div_ceil(pipelines);
            assert!(
                users.iter().all(|users| (1..=most).contains(users)),
                "{users:?}"
            );
        }
        assert!(of_thread(7, 2, &[0, 1, 2, 3]).eq(&[1, 3]));
        assert_eq!(of_thread::<u8>(3, 8, &[]).next(), None);
    }
}
