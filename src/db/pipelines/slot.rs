//! A slot for one pipeline, which is opened on demand and closed on failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::pipeline::{Condition, Pipeline, Place};
use crate::db::connection::{Generation, Sessions};

/// The pause after a failure before the next pipeline is opened.
const PAUSE: Duration = Duration::from_secs(1);

/// The max pause; it doubles while pipelines fail soon after they were opened.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after the pool was refused a connection: a pipeline must not take the
/// place of a connection of the pool.
const GIVE_WAY: Duration = Duration::from_secs(10);

/// The max age of a pipeline, the same as of connections of the pool.
const LIFETIME: Duration = Duration::from_secs(1800);

/// How long a pipeline is kept that is not always needed.
const UNUSED: Duration = Duration::from_secs(10);

/// The max number of closed pipelines with statements in flight. If there are more, no
/// other is opened: a slow database must not get more and more connections.
const MAX_CLOSED: usize = 2;

#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    pipeline: Option<Arc<Pipeline>>,
    closed: Vec<Weak<Pipeline>>,
    keeper: Option<AbortHandle>,
    is_opening: bool,
    has_ended: bool,
    not_before: Option<Instant>,
    failures: u32,
}

/// The result of entering a slot.
pub(super) enum Entered {
    /// The pipeline has a place taken for the caller.
    Fit(Arc<Pipeline>),
    /// The pipeline is busy, or none can be opened now: another one may do.
    Busy,
    /// The pipeline is being checked, or was closed because the database may be gone.
    Nothing,
    /// No pipeline is open; the caller has to open it, and may use another meanwhile.
    Opening(Opening),
}

/// The obligation to open the pipeline of a slot. While it exists, no other is given.
pub(super) struct Opening {
    pub slot: Arc<Slot>,
    pub generation: u64,
    /// What sessions are known to be in this generation.
    pub sessions: Sessions,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.slot.state().is_opening = false;
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_open(&self) -> bool {
        self.state().pipeline.is_some()
    }

    /// How many statements are in flight; none if no pipeline is open.
    pub fn in_flight(&self) -> Option<usize> {
        let state = self.state();
        state.pipeline.as_ref().map(|pipeline| pipeline.in_flight())
    }

    /// Takes a place in the pipeline, or the obligation to open it.
    pub fn enter(self: &Arc<Self>, max: usize, generations: &Generation) -> Entered {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(pipeline) = &state.pipeline {
            match pipeline.enter(now, max, generations) {
                Condition::Fit => return Entered::Fit(Arc::clone(pipeline)),
                Condition::Busy => return Entered::Busy,
                // Dropping the place is the check.
                Condition::Idle => drop(Place::new(Arc::clone(pipeline), None)),
                Condition::Over => state.close(Duration::ZERO),
                Condition::Hanging => state.close_failed(),
            }
            return Entered::Nothing;
        }
        // Read before the sessions: the generation may end in between.
        let generation = generations.current();
        let sessions = generations.sessions();
        let Some(sessions) = sessions.filter(|it| it.can_prepare() && state.may_open(now)) else {
            return Entered::Busy;
        };
        state.is_opening = true;
        let slot = Arc::clone(self);
        Entered::Opening(Opening {
            slot,
            generation,
            sessions,
        })
    }

    /// Puts an opened pipeline into the slot. It is closed when the pool was refused a
    /// connection, after the lifetime of a connection, or if it is not always needed and
    /// was not used for a while.
    pub fn open(
        self: &Arc<Self>,
        pipeline: Pipeline,
        is_always_needed: bool,
        mut refusals: watch::Receiver<u64>,
    ) {
        let mut state = self.state();
        if state.has_ended {
            return;
        }
        let pipeline = Arc::new(pipeline);
        let kept = Arc::downgrade(&pipeline);
        state.pipeline = Some(pipeline);
        let slot = Arc::clone(self);
        let keeper = tokio::spawn(async move {
            let pause = tokio::select! {
                _ = refusals.changed() => GIVE_WAY,
                () = tokio::time::sleep(LIFETIME) => Duration::ZERO,
                () = is_unused(&kept), if !is_always_needed => Duration::ZERO,
            };
            slot.state().close(pause);
        });
        state.keeper = Some(keeper.abort_handle());
    }

    /// Reports that the pipeline could not be opened.
    pub fn not_opened(&self) {
        self.state().close_failed();
    }

    /// Reports that a statement failed, and closes the pipeline: the cause may be a lock,
    /// for which all further statements would wait, too.
    pub fn refused(&self, pipeline: &Arc<Pipeline>) {
        if let Some(mut state) = self.with(pipeline) {
            state.close(PAUSE);
        }
    }

    /// Reports that a pipeline did not respond in time, and closes it.
    pub fn failed(&self, pipeline: &Arc<Pipeline>) {
        if let Some(mut state) = self.with(pipeline) {
            state.close_failed();
        }
    }

    fn with(&self, pipeline: &Arc<Pipeline>) -> Option<MutexGuard<'_, State>> {
        let state = self.state();
        let current = state.pipeline.as_ref()?;
        Arc::ptr_eq(current, pipeline).then_some(state)
    }

    /// Closes the slot for good.
    pub fn end(&self) {
        let mut state = self.state();
        state.has_ended = true;
        state.close(Duration::ZERO);
    }

    /// Whether no statements are in flight.
    pub fn is_done(&self) -> bool {
        let state = self.state();
        state.pipeline.is_none() && state.closed.iter().all(|old| old.strong_count() == 0)
    }
}

/// Waits until a pipeline was not used for a while.
async fn is_unused(pipeline: &Weak<Pipeline>) {
    let unused_for = || {
        pipeline
            .upgrade()
            .map_or(UNUSED, |pipeline| pipeline.unused_for())
    };
    while let Some(remaining) = UNUSED.checked_sub(unused_for()).filter(|it| !it.is_zero()) {
        tokio::time::sleep(remaining).await;
    }
}

impl State {
    fn may_open(&mut self, now: Instant) -> bool {
        self.closed.retain(|old| old.strong_count() > 0);
        !self.has_ended
            && !self.is_opening
            && self.closed.len() < MAX_CLOSED
            && self.not_before.is_none_or(|time| time <= now)
    }

    /// Closes the pipeline after the statements in flight.
    fn close(&mut self, pause: Duration) {
        self.closed
            .extend(self.pipeline.take().as_ref().map(Arc::downgrade));
        self.not_before = Some(Instant::now() + pause);
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }

    /// Closes the pipeline, with a pause that doubles while pipelines fail soon.
    fn close_failed(&mut self) {
        let pipeline = self.pipeline.as_ref();
        if pipeline.is_some_and(|pipeline| pipeline.age() > LONGEST_PAUSE) {
            self.failures = 0;
        }
        let pause = PAUSE * (1 << self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        self.close(pause.min(LONGEST_PAUSE));
    }
}
