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
mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::result::Error;
use diesel_async::AsyncPgConnection;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::open::PipelineOpener;
use self::pipeline::{Condition, Pipeline, Place};
use super::connection::Generation;
use super::error::{DbError, Verdict, verdict};
use super::turns::Turns;
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl};

/// How long a read waits for its answer before it is asked the ordinary way.
const PATIENCE: Duration = Duration::from_millis(250);

/// From when a pipeline without an answer counts as hanging, and is replaced.
const HANGS: Duration = Duration::from_secs(1);

/// As long as connections of the pool live.
const LIFETIME: Duration = Duration::from_secs(1800);

/// How long no pipeline is opened after the pool was refused a connection: it
/// must not take the place of one that is needed.
const GIVE_WAY: Duration = Duration::from_secs(10);

/// The longest pause between two tries to open one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Statements that an owner may have on pipelines.
const MOST_OF_OWNER: usize = 4;

/// Statements that may be under way on one pipeline, and as many of them as may
/// be if the next one is for a page: pages are large, and lie in memory.
pub(super) const MOST: usize = 128;
pub(super) const MOST_BEFORE_PAGE: usize = 32;

/// Pipelines for reads and for writes. Commits wait for the disk, and reads must
/// not wait for them.
pub(super) struct Pipelines {
    reads: Vec<Arc<Slot>>,
    writes: Vec<Arc<Slot>>,
    turns: Turns,
    opener: PipelineOpener,
    generation: Generation,
}

/// The place of one pipeline.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    pipeline: Option<Arc<Pipeline>>,
    is_opening: bool,
    not_before: Option<Instant>,
    failures: u32,
    keeper: Option<AbortHandle>,
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
            turns: Turns::new(MOST_OF_OWNER),
            opener,
            generation: generation.clone(),
        }))
    }

    /// How many are open.
    pub fn open(&self) -> u32 {
        let slots = self.reads.iter().chain(&self.writes);
        let open = slots.filter(|slot| slot.state().pipeline.is_some());
        open.count() as u32
    }

    /// What an owner's reading statement yields, if a pipeline has room and it
    /// succeeds in time.
    pub async fn read<T>(
        self: &Arc<Self>,
        owner: &OwnerId,
        most: usize,
        run: impl AsyncFnOnce(&AsyncPgConnection) -> QueryResult<T>,
    ) -> Option<T> {
        let _turn = self.turns.take_now(owner.as_str())?;
        let (slot, place) = self.enter(&self.reads, most)?;
        match tokio::time::timeout(PATIENCE, run(&place.pipeline()?.connection)).await {
            Ok(Ok(value)) => {
                place.answered();
                Some(value)
            }
            Ok(Err(error)) => {
                self.close(slot, &place, &error);
                place.answered();
                None
            }
            Err(_) => None,
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
        deadline: Instant,
        run: impl AsyncFnOnce(&AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<Option<T>, DbError> {
        let Some(_turn) = self.turns.take_now(owner.as_str()) else {
            return Ok(None);
        };
        let Some((slot, place)) = self.enter(&self.writes, MOST) else {
            return Ok(None);
        };
        let Some(pipeline) = place.pipeline() else {
            return Ok(None);
        };
        let attempt = async {
            let error = match run(&pipeline.connection).await {
                Ok(value) => return Ok(Some(value)),
                Err(error) => error,
            };
            self.close(slot, &place, &error);
            if !matches!(error, Error::DatabaseError(..)) {
                return Err(DbError::Bug(error.into()));
            }
            // Only the connection can tell whether it was refused or lost.
            match pipeline.still_answers().await {
                true => Ok(None),
                false => {
                    self.generation.end();
                    Err(DbError::OutcomeUnknown(error))
                }
            }
        };
        let result = tokio::time::timeout_at(deadline.into(), attempt).await;
        let result = result.map_err(|_| DbError::TooLate)?;
        place.answered();
        result
    }

    /// A place in this thread's pipeline. Opens one if there is none, in the
    /// background.
    fn enter<'s>(
        self: &Arc<Self>,
        slots: &'s [Arc<Slot>],
        most: usize,
    ) -> Option<(&'s Slot, Place)> {
        let slot = slots.get(number_of_thread().checked_rem(slots.len())?)?;
        let mut state = slot.state();
        let now = Instant::now();
        if let Some(pipeline) = &state.pipeline {
            match pipeline.enter(now, most, &self.generation) {
                Condition::Fit => return Some((slot, Place(Some(Arc::clone(pipeline))))),
                Condition::Busy => {}
                Condition::Idle => drop(Place(Some(Arc::clone(pipeline)))),
                Condition::Done(pause) => state.close(pause),
            }
            return None;
        }
        let is_time = state.not_before.is_none_or(|time| time <= now);
        if is_time && !state.is_opening && self.generation.is_proven() {
            state.is_opening = true;
            let (pipelines, slot) = (Arc::clone(self), Arc::clone(slot));
            tokio::spawn(async move { pipelines.open_in(&slot).await });
        }
        None
    }

    async fn open_in(&self, slot: &Arc<Slot>) {
        let (generation, refusals) = (self.generation.current(), self.generation.refusals());
        let opened = self.opener.open().await;
        let mut state = slot.state();
        state.is_opening = false;
        match opened {
            Ok(opened) => {
                state.failures = 0;
                state.pipeline = Some(Arc::new(Pipeline::new(opened, generation)));
                let keeper = tokio::spawn(Arc::clone(slot).close_in_time(refusals));
                state.keeper = Some(keeper.abort_handle());
            }
            Err(cause) => {
                let pause = Duration::from_secs(1 << state.failures.min(6)).min(LONGEST_PAUSE);
                state.failures += 1;
                state.not_before = Some(Instant::now() + pause);
                drop(state);
                log::info!(cause:% = cause; "no pipeline to the database; statements go the ordinary way");
            }
        }
    }

    /// No other statement is to use a pipeline on which one has failed, for a
    /// while: there may be a lock, and each would wait for it.
    fn close(&self, slot: &Slot, place: &Place, error: &Error) {
        if verdict(error) == Verdict::ReadOnly {
            self.generation.end();
        }
        let mut state = slot.state();
        let (Some(open), Some(failed)) = (&state.pipeline, place.pipeline()) else {
            return;
        };
        if Arc::ptr_eq(open, failed) {
            state.close(HANGS);
        }
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the pipeline when the pool needs its connection, or after as long as
    /// connections of the pool live.
    async fn close_in_time(self: Arc<Self>, mut refusals: watch::Receiver<u64>) {
        let pause = tokio::select! {
            _ = refusals.changed() => GIVE_WAY,
            () = tokio::time::sleep(LIFETIME) => Duration::ZERO,
        };
        self.state().close(pause);
    }
}

impl State {
    /// What is under way on the pipeline is finished; then it is gone.
    fn close(&mut self, pause: Duration) {
        self.pipeline = None;
        self.not_before = Some(Instant::now() + pause);
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }
}

/// Numbers threads as they come. A pipeline that has as few threads as possible
/// is driven by the one that uses it.
fn number_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
